#include "model/prefix_cache.hpp"

#include <algorithm>
#include <utility>

namespace covey {

PrefixCache::Match PrefixCache::longest(std::span<const Token> tokens, std::int32_t most, const Usable& usable) {
  auto best = entries_.end();
  std::int32_t length = 0;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const auto differ = std::ranges::mismatch(entry->tokens, tokens);
    const std::int32_t shared = std::min(static_cast<std::int32_t>(differ.in1 - entry->tokens.begin()), most);
    if (shared > length && usable(entry->sequence, shared)) {
      length = shared;
      best = entry;
    }
  }
  if (best == entries_.end()) return {};
  entries_.splice(entries_.begin(), entries_, best);
  return {entries_.front().sequence, length};
}

std::optional<SequenceId> PrefixCache::keep(SequenceId sequence, std::vector<Token> tokens) {
  entries_.push_front({sequence, std::move(tokens)});
  if (static_cast<std::int32_t>(entries_.size()) <= capacity_) return std::nullopt;
  return evict();
}

std::optional<SequenceId> PrefixCache::evict() {
  if (entries_.empty()) return std::nullopt;
  const SequenceId sequence = entries_.back().sequence;
  entries_.pop_back();
  return sequence;
}

}  // namespace covey
