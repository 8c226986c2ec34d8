#include "model/bpe_merger.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace covey {

BpeMerger::BpeMerger(const Vocabulary& vocabulary, const BpeMerges& merges)
    : vocabulary_(&vocabulary), merges_(&merges) {}

/// Finds out how `left` merges with its right neighbour, and whether it does.
bool BpeMerger::rank(std::uint32_t left) {
  Symbol& symbol = symbols_[left];
  symbol.rank = kNone;
  if (symbol.right == kNone) return false;
  const std::optional<BpeMerge> merge = merges_->find(symbol.token, symbols_[symbol.right].token);
  if (!merge) return false;
  symbol.rank = merge->rank;
  symbol.merged = merge->token;
  return true;
}

void BpeMerger::offer(std::uint32_t left) {
  if (!rank(left)) return;
  queue_.push_back(std::uint64_t{symbols_[left].rank} << 32U | left);
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void BpeMerger::apply(std::uint32_t left) {
  Symbol& symbol = symbols_[left];
  Symbol& right = symbols_[symbol.right];
  symbol.token = symbol.merged;
  symbol.right = right.right;
  right.token = kGone;
  right.rank = kNone;
  if (symbol.right != kNone) symbols_[symbol.right].left = left;
  if (symbol.left != kNone) offer(symbol.left);
  offer(left);
}

void BpeMerger::cut(std::string_view piece, std::vector<Token>& tokens) {
  symbols_.clear();
  queue_.clear();
  for (const char c : piece) {
    const std::optional<Token> token = vocabulary_->byte_token(static_cast<std::uint8_t>(c));
    if (!token) continue;
    const auto index = static_cast<std::uint32_t>(symbols_.size());
    symbols_.push_back({*token, index == 0 ? kNone : index - 1, kNone, kNone, *token});
    if (index > 0) symbols_[index - 1].right = index;
  }
  for (std::uint32_t i = 0; i < symbols_.size(); ++i) {
    if (rank(i)) queue_.push_back(std::uint64_t{symbols_[i].rank} << 32U | i);
  }
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const std::uint64_t best = queue_.back();
    queue_.pop_back();
    const auto left = static_cast<std::uint32_t>(best);
    // What was offered is out of date once one of the two has changed; then the rank has, too.
    if (symbols_[left].rank == best >> 32U) apply(left);
  }
  for (const Symbol& symbol : symbols_) {
    if (symbol.token != kGone) tokens.push_back(symbol.token);
  }
}

}  // namespace covey
