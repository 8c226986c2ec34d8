// What of a text counts as its answer: for votes, and for marking.
//
//   auto        what follows the last ####; else the last number; else the whole text
//   ####        what follows the last ####, to the end of its line
//   number      the last number
//   letter      the last of A to J that stands alone
//   text        the whole text
//   json:NAME   that member of the first JSON object in the text; NAME may be a path: result.value
//   regex:EXPR  the first group of the last match, or all of the match where EXPR has no group
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/regex.hpp"

namespace covey {

class AnswerRule {
 public:
  /// Empty: auto. Throws Error listing the rules if there is none like `rule`, or its expression is wrong.
  explicit AnswerRule(std::string_view rule);

  /// The answer, as normal_answer() writes it; empty if there is none.
  std::string extract(std::string_view text) const;

 private:
  enum class Kind { automatic, hashes, number, letter, text, json, regex };

  Kind kind_ = Kind::automatic;
  std::string name_;                      // of json
  std::shared_ptr<const Regex> pattern_;  // of regex
};

/// Equal answers written equally: without spaces around, in small letters, without a full stop at the end; numbers
/// without thousands separators, currency and percent signs, and zeros that say nothing: "$ 1,234.50" is "1234.5".
std::string normal_answer(std::string_view answer);

/// The most frequent of the answers that are not empty, the first of equals; empty if there is none.
std::string most_frequent_answer(const std::vector<std::string>& answers);

}  // namespace covey
