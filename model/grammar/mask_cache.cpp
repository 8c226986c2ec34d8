#include "model/grammar/mask_cache.hpp"

#include <algorithm>
#include <utility>

namespace covey::grammar {

MaskCache::MaskCache(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie,
                     std::size_t most_bytes)
    : space_(std::make_shared<StateSpace>(std::move(automaton), most_bytes)),
      trie_(std::move(trie)),
      most_bytes_(most_bytes) {
  const std::size_t words = (static_cast<std::size_t>(trie_->vocabulary()) + 63) / 64;
  most_masks_ = std::max<std::size_t>(1, most_bytes / (std::max<std::size_t>(1, words) * sizeof(std::uint64_t)));
  path_.resize(trie_->depth() + 1);
}

KeptState MaskCache::start() { return {space_, space_->start()}; }

/// The state's number in the space in use, which is a new one if the old was full.
StateId MaskCache::current(const KeptState& state) {
  if (space_->full()) {
    space_ = std::make_shared<StateSpace>(space_->automaton(), most_bytes_);
    masks_.clear();
    entries_.clear();
  }
  return state.space == space_ ? state.state : space_->adopt(*state.space, state.state);
}

KeptState MaskCache::after(const KeptState& state, Token token) {
  const std::string_view bytes = trie_->bytes(token);
  StateId at = bytes.empty() ? kNoState : current(state);
  for (const char byte : bytes) at = space_->next(at, static_cast<std::uint8_t>(byte));
  return {space_, at};
}

const TokenMask& MaskCache::mask(const KeptState& kept) {
  const StateId state = current(kept);
  if (const auto known = masks_.find(state); known != masks_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return entries_.front().mask;
  }
  TokenMask mask;
  if (masks_.size() >= most_masks_) {
    mask = std::move(entries_.back().mask);  // its memory
    masks_.erase(entries_.back().state);
    entries_.pop_back();
  }
  compute(state, mask);
  entries_.push_front({state, std::move(mask)});
  masks_.emplace(state, entries_.begin());
  ++masks_computed_;
  return entries_.front().mask;
}

void MaskCache::compute(StateId state, TokenMask& mask) {
  mask.assign((static_cast<std::size_t>(trie_->vocabulary()) + 63) / 64, 0);
  const std::vector<TokenTrie::Node>& nodes = trie_->nodes();
  const std::span<const Token> tokens = trie_->tokens();
  path_[0] = state;
  for (std::size_t i = 0; i < trie_->size();) {
    const TokenTrie::Node& node = nodes[i];
    const StateId next = space_->next(path_[node.depth - 1], node.byte);
    if (next == kNoState) {
      i = node.skip;
      continue;
    }
    path_[node.depth] = next;
    for (std::uint32_t t = node.first_token; t < nodes[i + 1].first_token; ++t) {
      mask[static_cast<std::size_t>(tokens[t]) / 64] |= std::uint64_t{1} << (static_cast<std::size_t>(tokens[t]) % 64);
    }
    ++i;
  }
}

}  // namespace covey::grammar
