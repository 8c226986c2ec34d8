// How the byte-level tokenizers of known models cut a text into words before they merge anything.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace covey {

/// One way of cutting, as the tokenizer.json of these models has it. Each expression cuts every piece that those before
/// it left, into its matches and what lies between; unused places are empty.
struct PreTokenizerRule {
  std::array<std::string_view, 10> names;  ///< tokenizer.ggml.pre
  std::array<std::string_view, 6> expressions;
  bool whole_first = false;  ///< a piece that is a token becomes it, even if merges would not lead there
  bool add_bos = false;      ///< where tokenizer.ggml.add_bos_token is absent
};

std::span<const PreTokenizerRule> pre_tokenizer_rules();

/// nullptr where the name is unknown.
const PreTokenizerRule* find_pre_tokenizer_rule(std::string_view name);

/// All known names, comma-separated.
std::string known_pre_tokenizers();

}  // namespace covey
