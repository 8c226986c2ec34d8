#include "model/grammar/constraint.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "covey/error.hpp"

namespace covey::grammar {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

}  // namespace

Constraint::Constraint(std::shared_ptr<MaskCache> masks, bool may_end)
    : masks_(std::move(masks)), at_(masks_->start()), may_end_(may_end) {}

void Constraint::apply(std::span<float> scores) {
  if (scores.size() < static_cast<std::size_t>(masks_->trie().vocabulary())) {
    throw Error("the grammar knows " + std::to_string(masks_->trie().vocabulary()) +
                " tokens, but there are scores for " + std::to_string(scores.size()) +
                " only: model and vocabulary don't belong together");
  }
  const TokenMask& mask = masks_->mask(at_);
  const bool may_end = may_end_ && at_.space->may_end(at_.state);
  std::vector<float> end_scores;
  if (may_end) {
    for (const Token token : masks_->trie().ends()) end_scores.push_back(scores[static_cast<std::size_t>(token)]);
  }
  for (std::size_t word = 0; word * 64 < scores.size(); ++word) {
    const std::uint64_t bits = word < mask.size() ? mask[word] : 0;
    const std::span<float> of_word = scores.subspan(word * 64, std::min<std::size_t>(64, scores.size() - word * 64));
    if (bits == 0) {
      std::ranges::fill(of_word, kForbidden);
      continue;
    }
    for (std::uint64_t forbidden = ~bits; forbidden != 0; forbidden &= forbidden - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(forbidden));
      if (bit < of_word.size()) of_word[bit] = kForbidden;
    }
  }
  for (std::size_t i = 0; i < end_scores.size(); ++i) {
    scores[static_cast<std::size_t>(masks_->trie().ends()[i])] = end_scores[i];
  }
}

bool Constraint::allows(Token token) {
  if (token < 0 || token >= masks_->trie().vocabulary()) return false;
  if (std::ranges::find(masks_->trie().ends(), token) != masks_->trie().ends().end()) {
    return may_end_ && at_.space->may_end(at_.state);
  }
  return masks_->after(at_, token).state != kNoState;
}

void Constraint::accept(Token token) {
  if (token < 0 || token >= masks_->trie().vocabulary()) {
    throw Error("the grammar does not allow token " + std::to_string(token) + ": it is not in the vocabulary");
  }
  KeptState next = masks_->after(at_, token);
  if (next.state == kNoState) {
    throw Error("the grammar does not allow token " + std::to_string(token) + " here");
  }
  at_ = std::move(next);
}

bool Constraint::finished() const { return at_.space->must_end(at_.state); }

}  // namespace covey::grammar
