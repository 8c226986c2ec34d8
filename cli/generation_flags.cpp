#include "cli/generation_flags.hpp"

#include <utility>

#include "cli/command.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/text_files.hpp"

namespace covey {

namespace {

constexpr std::int64_t kMostGenerated = 1 << 30;

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

void add_moa_flags(CLI::App& parser, GenerationFlags& flags) {
  const char* group = "Self-MoA";
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
      .add_option("--aggregate-temp", flags.aggregate_temperature, "Temperature of the aggregation (default 0: greedy)")
      ->check(in_range(0, 100))
      ->option_text("X")
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
  parser.add_flag("-v,--verbose", flags.verbose, "Self-MoA: the proposals on standard error")->group(group);
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
  return options;
}

void add_answer_flags(CLI::App& parser, GenerationFlags& flags) {
  add_length_flags(parser, flags);
  add_sampling_flags(parser, flags.sampling);
  add_moa_flags(parser, flags);
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
