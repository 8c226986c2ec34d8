// Sequences whose cached keys and values outlive their sample, so that a prompt that begins alike starts from there.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "model/batch.hpp"

namespace covey {

class PrefixCache {
 public:
  explicit PrefixCache(std::int32_t capacity) : capacity_(capacity) {}

  struct Match {
    SequenceId sequence = -1;
    std::int32_t length = 0;
  };
  /// Whether so many tokens of a sequence may be shared.
  using Usable = std::function<bool(SequenceId, std::int32_t)>;
  /// The kept sequence that shares the longest usable beginning with `tokens`, at most `most` tokens; it becomes the
  /// most recently used.
  Match longest(std::span<const Token> tokens, std::int32_t most, const Usable& usable);

  /// Keeps a sequence that holds `tokens`. Returns the sequence that has to make room, if any (perhaps this one).
  std::optional<SequenceId> keep(SequenceId sequence, std::vector<Token> tokens);
  /// Takes out the least recently used, if any.
  std::optional<SequenceId> evict();

 private:
  struct Entry {
    SequenceId sequence;
    std::vector<Token> tokens;
  };
  std::int32_t capacity_;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace covey
