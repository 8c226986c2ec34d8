#include "cli/generation_flags.hpp"

#include <utility>

#include "cli/command.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/text_files.hpp"
#include "mpi/aggregation_prompt.hpp"
#include "mpi/answer_rule.hpp"

namespace covey {

namespace {

constexpr std::int64_t kMostGenerated = 1 << 30;

CLI::Validator an_answer_rule() {
  return {[](std::string& rule) {
            try {
              static_cast<void>(AnswerRule(rule));
              return std::string();
            } catch (const Error& error) {
              return std::string(error.what());
            }
          },
          ""};
}

void add_prompt_flags(CLI::App& parser, GenerationFlags& flags) {
  const char* group = "Prompt";
  CLI::Option* prompt = parser.add_option("-p,--prompt", flags.prompt, "The prompt (default: standard input)")
                            ->option_text("TEXT")
                            ->group(group);
  parser.add_option("-f,--file", flags.file, "Read the prompt from a file; a newline at its end is dropped")
      ->excludes(prompt)
      ->option_text("FILE")
      ->group(group);
  parser.add_flag("--no-bos", flags.no_bos, "Don't put BOS before the prompt")->group(group);
  parser.add_flag("--special", flags.special, "Special tokens written in the prompt become those tokens")->group(group);
}

void add_length_flags(CLI::App& parser, GenerationFlags& flags) {
  const char* group = "Answer";
  parser
      .add_option("-n,--tokens", flags.tokens,
                  "Most tokens to generate; -1: up to the context (default " + std::to_string(flags.tokens) + ")")
      ->check(whole_in_range(-1, kMostGenerated))
      ->option_text("N")
      ->group(group);
  parser.add_option("--stop", flags.stop, "End before this text; may be given many times")
      ->check([](const std::string& text) { return text.empty() ? "must not be empty" : ""; })
      ->allow_extra_args(false)
      ->option_text("TEXT")
      ->group(group);
  parser.add_flag("--ignore-eos", flags.ignore_eos, "Go on after the model's end of text")->group(group);
}

void add_proposal_flags(CLI::App& parser, GenerationFlags& flags) {
  const char* group = "Collaboration";
  parser.add_option("-N,--proposals,--samples", flags.proposals, "Proposals, spread over the ranks (default 6)")
      ->check(whole_in_range(1, 1024))
      ->option_text("N")
      ->group(group);
  parser
      .add_option("--proposal-tokens", flags.proposal_tokens, "Most tokens of one proposal; -1: as --tokens (default)")
      ->check(whole_in_range(-1, kMostGenerated))
      ->option_text("N")
      ->group(group);
  parser
      .add_option("--quorum", flags.quorum,
                  "Go on with the first N proposals, cancel the others (default 0: wait for all)")
      ->check(whole_in_range(0, 1024))
      ->option_text("N")
      ->group(group);
  parser
      .add_flag(
          "--backup", flags.backup,
          "self-moa: ranks that are done also draw proposals of ranks that are much slower; the first copy counts")
      ->group(group);
  parser
      .add_option("--extract", flags.extract,
                  "vote: what counts of a text: auto, ####, number, letter, text, json:NAME, regex:EXPR (default auto)")
      ->check(an_answer_rule())
      ->option_text("RULE")
      ->group(group);
}

void add_aggregation_flags(CLI::App& parser, GenerationFlags& flags) {
  const char* group = "Collaboration";
  parser
      .add_option("--aggregate-temp", flags.aggregate_temperature, "Temperature of the aggregation (default 0: greedy)")
      ->check(in_range(0, 100))
      ->option_text("X")
      ->group(group);
  parser
      .add_option("--prompt-template", flags.prompt_template,
                  "Jinja template of the aggregation's prompt (default: the mode's)")
      ->option_text("FILE")
      ->group(group);
  parser.add_option("--aggregator", flags.aggregator, "The rank that writes the answer (default 0)")
      ->check(whole_in_range(0, 1023))
      ->option_text("RANK")
      ->group(group);
  parser
      .add_option("--window", flags.window, "self-moa-seq: texts in one prompt, the best so far included (default 6)")
      ->check(whole_in_range(2, 1024))
      ->option_text("N")
      ->group(group);
  parser.add_option("--layers", flags.layers, "moa: layers of models, the aggregator's included (default 2)")
      ->check(whole_in_range(2, 64))
      ->option_text("N")
      ->group(group);
}

void add_output_flags(CLI::App& parser, GenerationFlags& flags) {
  const char* group = "Output";
  parser.add_flag("--json", flags.json, "One JSON object instead of the text: answer, proposals, accounts")
      ->group(group);
  parser.add_option("--save", flags.save, "The same JSON in a file, beside the text")
      ->option_text("FILE")
      ->group(group);
  parser.add_flag("--logprobs", flags.logprobs, "Log-probabilities of the tokens in the JSON")->group(group);
  parser.add_flag("--stats", flags.stats, "The account of all ranks, as a table on standard error")->group(group);
  parser.add_flag("-v,--verbose", flags.verbose, "The proposals, and what became of them, on standard error")
      ->group(group);
}

// Throws what is wrong with the template before a model is loaded.
std::string read_prompt_template(const std::string& path) {
  std::string source = read_file(path);
  try {
    static_cast<void>(AggregationPrompt(source));
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
  if (source.empty()) throw Error(path + ": an empty template says nothing");
  return source;
}

}  // namespace

std::string GenerationFlags::prompt_text() const {
  if (prompt) return *prompt;
  if (!file.empty()) return without_last_newline(read_file(file));
  if (stdin_is_terminal()) throw UsageError("no prompt: give --prompt TEXT, --file FILE, or text on standard input");
  return without_last_newline(read_stdin());
}

GenerateOptions GenerationFlags::options(std::string text) const {
  GenerateOptions options;
  options.prompt = std::move(text);
  options.sampling = sampling.sampling();
  options.max_tokens = tokens;
  options.stop = stop;
  options.bos = !no_bos;
  options.special = special;
  options.ignore_eos = ignore_eos;
  options.sequences = sequences;
  options.proposals = proposals;
  options.proposal_tokens = proposal_tokens;
  options.aggregate_temperature = aggregate_temperature;
  if (!prompt_template.empty()) options.prompt_template = read_prompt_template(prompt_template);
  options.quorum = quorum;
  options.backup = backup;
  options.aggregator = aggregator;
  options.window = window;
  options.layers = layers;
  options.extract = extract;
  return options;
}

void add_answer_flags(CLI::App& parser, GenerationFlags& flags) {
  add_length_flags(parser, flags);
  add_sampling_flags(parser, flags.sampling);
  add_proposal_flags(parser, flags);
  add_aggregation_flags(parser, flags);
}

void add_generation_flags(CLI::App& parser, GenerationFlags& flags) {
  add_prompt_flags(parser, flags);
  parser
      .add_option("--sequences", flags.sequences,
                  "Continue the prompt so many times together, each with draws of its own; the first is printed, all "
                  "are in the JSON (default 1)")
      ->check(whole_in_range(1, 1024))
      ->option_text("N")
      ->group("Answer");
  add_answer_flags(parser, flags);
  add_output_flags(parser, flags);
}

}  // namespace covey
