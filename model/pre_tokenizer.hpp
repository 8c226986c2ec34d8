// Cuts a text into the words that a byte-level tokenizer merges each by itself.
#pragma once

#include <string_view>
#include <vector>

#include "model/pre_tokenizer_rules.hpp"
#include "model/regex.hpp"

namespace covey {

/// Immutable; safe to use from many threads.
class PreTokenizer {
 public:
  /// Compiles the expressions. Throws Error as Regex does.
  explicit PreTokenizer(const PreTokenizerRule& rule);

  /// The pieces of `text`, in order; together they are the text, and none is empty. Any bytes are accepted: those that
  /// are no UTF-8 become pieces of their own.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  std::vector<Regex> expressions_;
};

}  // namespace covey
