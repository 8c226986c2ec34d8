#include "model/pre_tokenizer_rules.hpp"

#include <algorithm>

namespace covey {
namespace {

// A word with the space before it, a number, other signs, white space; of several spaces the last stays with the word.
constexpr std::string_view kGpt2 = R"('(?:[sdmt]|ll|re|ve)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// A word with any one sign before it, digits by threes, signs with the line ends after them, lines, white space.
constexpr std::string_view kThreeDigits =
    R"('(?i:[sdmt]|ll|re|ve)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kOneDigit =
    R"('(?i:[sdmt]|ll|re|ve)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// The like, but a capital within a word begins a new one: "camelCase", "HTMLElement" is one.
constexpr std::string_view kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                                     R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                                     R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'(?i:[sdmt]|ll|re|ve))?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'(?i:[sdmt]|ll|re|ve))?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Letters that have case, as these tokenizers list them: some of Unicode's are missing.
constexpr std::string_view kDeepseekWord =
    R"(\s?[)"
    R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B})"
    R"(\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC})"
    R"(\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134})"
    R"(\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})"
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})"
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})"
    R"(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
    R"(]+)";
// ASCII from ":" on holds the letters too, so words are cut at letters outside ASCII.
constexpr std::string_view kDeepseekSigns =
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)";
// White space at the end. What stands before \s+ keeps the search linear in long white space.
constexpr std::string_view kTrailingSpace = R"((?<!\s)\s++\z)";
constexpr std::string_view kDeepseekScripts = R"([\x{800}-\x{9FA5}\x{AC00}-\x{D7FF}]+)";

constexpr std::string_view kLineEnd = R"([\r\n])";
constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}+)";
constexpr std::string_view kThreeAsciiDigits = "[0-9][0-9][0-9]";

constexpr std::array kRules = {
    PreTokenizerRule{.names = {"gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "granite-docling"},
                     .expressions = {kGpt2}},
    PreTokenizerRule{.names = {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "lfm2"},
                     .expressions = {kThreeDigits},
                     .whole_first = true,
                     .add_bos = true},
    PreTokenizerRule{.names = {"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, .expressions = {kThreeDigits}},
    PreTokenizerRule{.names = {"qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"}, .expressions = {kOneDigit}},
    PreTokenizerRule{.names = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
                     .expressions = {kDigit, kGpt2}},
    PreTokenizerRule{
        .names = {"deepseek-llm"},
        .expressions = {kLineEnd, kDeepseekWord, kDeepseekSigns, kTrailingSpace, kDeepseekScripts, kDigit}},
    PreTokenizerRule{.names = {"deepseek-coder"},
                     .expressions = {kLineEnd, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepseekScripts, kDigit}},
    PreTokenizerRule{.names = {"falcon"}, .expressions = {R"([\p{P}$+<=>^~|`]+)", kGpt2, kThreeAsciiDigits}},
    PreTokenizerRule{.names = {"tekken"}, .expressions = {kTekken}, .whole_first = true, .add_bos = true},
    PreTokenizerRule{.names = {"gpt-4o", "llama4"}, .expressions = {kGpt4o}},
    PreTokenizerRule{.names = {"default"}, .expressions = {R"([\p{P}$+<=>^~|]+)", kGpt2, kDigits, kThreeAsciiDigits}},
};

}  // namespace

std::span<const PreTokenizerRule> pre_tokenizer_rules() { return kRules; }

const PreTokenizerRule* find_pre_tokenizer_rule(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto found = std::find_if(kRules.begin(), kRules.end(), [name](const PreTokenizerRule& rule) {
    return std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end();
  });
  return found == kRules.end() ? nullptr : &*found;
}

std::string known_pre_tokenizers() {
  std::string all;
  for (const PreTokenizerRule& rule : kRules) {
    for (const std::string_view name : rule.names) {
      if (name.empty()) continue;
      if (!all.empty()) all += ", ";
      all += name;
    }
  }
  return all;
}

}  // namespace covey
