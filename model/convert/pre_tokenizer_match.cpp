#include <algorithm>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "model/pre_tokenizer_rules.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

/// How files write what the rules write more shortly.
struct Spelling {
  std::string_view file, rule;
};
constexpr Spelling kSpellings[] = {
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "(?:'(?i:[sdmt]|ll|re|ve))?"},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?i:[sdmt]|ll|re|ve)"},
    {"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", "'(?i:[sdmt]|ll|re|ve)"},
    {"'s|'t|'re|'ve|'m|'ll|'d", "'(?:[sdmt]|ll|re|ve)"},
};

// What ByteLevel itself cuts by, unless use_regex is off; and single digits.
constexpr std::string_view kByteLevelExpression =
    R"('(?:[sdmt]|ll|re|ve)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDigitExpression = R"(\p{N})";

std::string in_rules_spelling(std::string expression) {
  for (const auto& [file, rule] : kSpellings) {
    for (std::size_t at = expression.find(file); at != std::string::npos;
         at = expression.find(file, at + rule.size())) {
      expression.replace(at, file.size(), rule);
    }
  }
  return expression;
}

class PreTokenizerMatcher {
 public:
  PreTokenizerMatcher(const JsonValue& json, const std::string& path) : json_(json), path_(path) {}

  std::string run() {
    const JsonValue* const step = json_.find("pre_tokenizer");
    if (step != nullptr) read(*step);
    const bool whole_first = flag(*json_.find("model"), "ignore_merges", false);
    for (const PreTokenizerRule& rule : pre_tokenizer_rules()) {
      const auto end = std::ranges::find(rule.expressions, std::string_view());
      if (rule.whole_first == whole_first &&
          std::equal(rule.expressions.begin(), end, expressions_.begin(), expressions_.end())) {
        return std::string(rule.names.front());
      }
    }
    std::string all;
    for (const std::string& expression : expressions_) all += (all.empty() ? "" : " then ") + in_quotes(expression);
    fail("cuts text by " + (all.empty() ? "nothing" : all) + (whole_first ? ", and ignores merges" : ""));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(path_ + ": the pre-tokenizer " + what + ", which is not known; give its name with --pre if you know " +
                "it: " + known_pre_tokenizers());
  }

  static bool flag(const JsonValue& step, std::string_view key, bool otherwise) {
    const JsonValue* const value = step.find(key);
    return value == nullptr ? otherwise : value->boolean().value_or(otherwise);
  }

  void read(const JsonValue& step) {
    const std::string* const type = step.find_string("type");
    if (type == nullptr) fail("has a step without a type");
    if (*type == "Sequence") {
      const JsonValue* const steps = step.find("pretokenizers");
      if (steps == nullptr || steps->array() == nullptr) fail("is a sequence of nothing");
      for (const JsonValue& inner : *steps->array()) read(inner);
    } else if (*type == "ByteLevel") {
      if (flag(step, "add_prefix_space", true)) fail("puts a space before a text");
      if (flag(step, "use_regex", true)) expressions_.emplace_back(kByteLevelExpression);
    } else if (*type == "Digits") {
      if (!flag(step, "individual_digits", false)) fail("keeps digits together");
      expressions_.emplace_back(kDigitExpression);
    } else if (*type == "Split") {
      read_split(step);
    } else {
      fail("has a step " + in_quotes(*type));
    }
  }

  void read_split(const JsonValue& step) {
    const JsonValue* const pattern = step.find("pattern");
    const std::string* const expression = pattern == nullptr ? nullptr : pattern->find_string("Regex");
    const std::string* const behavior = step.find_string("behavior");
    if (expression == nullptr || behavior == nullptr) fail("splits by something other than an expression");
    const bool invert = flag(step, "invert", false);
    // These expressions match all of a text: to keep each match, or to remove all else, is the same.
    if (!((*behavior == "Isolated" && !invert) || (*behavior == "Removed" && invert))) {
      fail("splits in the way " + in_quotes(*behavior));
    }
    expressions_.push_back(in_rules_spelling(*expression));
  }

  const JsonValue& json_;
  const std::string& path_;
  std::vector<std::string> expressions_;
};

}  // namespace

std::string match_pre_tokenizer(const JsonValue& json, const std::string& path) {
  return PreTokenizerMatcher(json, path).run();
}

}  // namespace covey
