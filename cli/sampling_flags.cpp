#include "cli/sampling_flags.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/numbers.hpp"
#include "cli/text_files.hpp"
#include "covey/error.hpp"
#include "model/grammar/constraint_maker.hpp"

namespace covey {

namespace {

std::optional<std::pair<std::int32_t, float>> parse_bias(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  std::int32_t token = 0;
  const char* end = text.data() + equals;
  if (const auto [stop, failure] = std::from_chars(text.data(), end, token); stop != end || failure != std::errc()) {
    return std::nullopt;
  }
  float bias = 0;
  const std::string value(text.substr(equals + 1));
  if (value.empty() || !CLI::detail::lexical_cast(value, bias) || token < 0 || std::isnan(bias)) return std::nullopt;
  return std::pair{token, bias};
}

CLI::Validator a_bias() {
  return {[](std::string& text) {
            return parse_bias(text) ? std::string()
                                    : fmt::format("'{}' is not TOKEN_ID=NUMBER, as 13=-5 or 13=-inf", text);
          },
          ""};
}

void add_penalties(CLI::App& parser, SamplingParams& params) {
  const char* group = "Sampling";
  parser.add_option("--repeat-penalty", params.repetition_penalty, "Divides logits of recent tokens (default 1: off)")
      ->check(in_range(0.01, 100))
      ->option_text("X")
      ->group(group);
  parser
      .add_option("--presence-penalty", params.presence_penalty, "Taken from logits of recent tokens, once (default 0)")
      ->check(in_range(-100, 100))
      ->option_text("X")
      ->group(group);
  parser.add_option("--frequency-penalty", params.frequency_penalty, "The same for every occurrence (default 0)")
      ->check(in_range(-100, 100))
      ->option_text("X")
      ->group(group);
  parser.add_option("--penalty-window", params.penalty_window, "Tokens that count as recent; -1: all (default 64)")
      ->check(whole_in_range(-1, 1 << 30))
      ->option_text("N")
      ->group(group);
}

/// A text that is asked for has to be one: an empty one would mean that nothing is asked for.
std::string grammar_text(const std::string& path) {
  std::string text = read_file(path);
  if (text.empty()) throw Error(path + ": the file is empty");
  return text;
}

std::string schema_text(const std::string& given) { return given.starts_with('{') ? given : grammar_text(given); }

/// Mistakes are told before a model is read.
CLI::Validator that(const std::function<void(const std::string&)>& check) {
  return {[check](std::string& given) {
            try {
              check(given);
            } catch (const Error& error) {
              return std::string(error.what());
            }
            return std::string();
          },
          ""};
}

void add_constraints(CLI::App& parser, SamplingFlags& flags) {
  const char* group = "Answer";
  CLI::Option* const grammar =
      parser.add_option("--grammar", flags.grammar, "The answer has to be of this grammar, a file in GBNF")
          ->check(that([](const std::string& path) { grammar::check_grammar(grammar_text(path), path); }))
          ->option_text("FILE")
          ->group(group);
  parser.add_option("--json-schema", flags.json_schema, "The answer has to be JSON of this schema, a file or {…}")
      ->check(that([](const std::string& given) {
        grammar::check_json_schema(schema_text(given), given.starts_with('{') ? "the schema" : given);
      }))
      ->excludes(grammar)
      ->option_text("SCHEMA")
      ->group(group);
}

}  // namespace

SamplingParams SamplingFlags::sampling() const {
  SamplingParams result = params;
  if (greedy) result.temperature = 0;
  for (const std::string& text : logit_bias)
    result.logit_bias.insert_or_assign(parse_bias(text)->first, parse_bias(text)->second);
  if (!grammar.empty()) result.grammar = grammar_text(grammar);
  if (!json_schema.empty()) result.json_schema = schema_text(json_schema);
  return result;
}

void add_sampling_flags(CLI::App& parser, SamplingFlags& flags) {
  const char* group = "Sampling";
  SamplingParams& params = flags.params;
  CLI::Option* temperature = parser.add_option("--temp", params.temperature, "Temperature; 0: greedy (default 0.8)")
                                 ->check(in_range(0, 100))
                                 ->option_text("X")
                                 ->group(group);
  parser.add_flag("--greedy", flags.greedy, "Always take the likeliest token")
      ->excludes(temperature)
      ->option_text(" ")
      ->group(group);
  parser.add_option("--top-k", params.top_k, "Draw from the K likeliest; 0: all (default 40)")
      ->check(whole_in_range(0, 1 << 30))
      ->option_text("K")
      ->group(group);
  parser.add_option("--top-p", params.top_p, "Draw from the likeliest that together reach P (default 0.95)")
      ->check(in_range(1e-6, 1))
      ->option_text("P")
      ->group(group);
  parser
      .add_option("--min-p", params.min_p,
                  "Leave out what is less than P times as likely as the likeliest (default 0.05)")
      ->check(in_range(0, 1))
      ->option_text("P")
      ->group(group);
  add_penalties(parser, params);
  add_constraints(parser, flags);
  parser.add_option("--logit-bias", flags.logit_bias, "Added to a token's logit; may be given many times")
      ->check(a_bias())
      ->allow_extra_args(false)
      ->option_text("ID=X")
      ->group(group);
  parser.add_option("--seed", params.seed, "Equal seeds draw equal texts (default 0)")
      ->check(whole_at_least(0))
      ->option_text("N")
      ->group(group);
}

}  // namespace covey
