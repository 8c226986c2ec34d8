// The merge rule of the SentencePiece tokenizer.
#pragma once

#include <string_view>
#include <vector>

#include "model/batch.hpp"
#include "model/neighbours.hpp"
#include "model/vocabulary.hpp"

namespace covey {

/// Cuts text into tokens: of all neighbours whose union is a token, those with the highest score merge first, the
/// leftmost among equals. Immutable; safe to use from many threads.
class SpmMerge {
 public:
  /// `vocabulary` must outlive the object.
  explicit SpmMerge(const Vocabulary& vocabulary);

  /// Appends the tokens of `text`, its spaces escaped, to `tokens`. O(n log n).
  void cut(std::string_view text, std::vector<Token>& tokens) const;

 private:
  const Vocabulary* vocabulary_;
  Neighbours neighbours_;
};

}  // namespace covey
