// The merge rule of the SentencePiece tokenizer.
#pragma once

#include <string_view>
#include <vector>

#include "model/batch.hpp"
#include "model/vocabulary.hpp"

namespace covey {

/// Cuts `text`, its spaces escaped, into tokens of `vocabulary` and appends them to `tokens`: of all neighbours whose
/// union is a token, those with the highest score merge first, the leftmost among equals. O(n log n).
void spm_merge(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& tokens);

}  // namespace covey
