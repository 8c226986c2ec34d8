// The scheduler's hand on the cache: sequences begun, ended and kept between passes. Changes are collected and travel
// with the next batch.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "model/batch.hpp"
#include "model/prefix_cache.hpp"
#include "model/runner.hpp"

namespace covey {

class SequenceStore {
 public:
  /// `runner` must outlive the store. `kept`: how many ended sequences stay, for prompts that begin alike.
  SequenceStore(Runner& runner, std::int32_t kept) : runner_(runner), prefixes_(kept) {}

  /// A number not used before; the sequence begins with its first token.
  SequenceId fresh() { return next_++; }
  /// A new sequence that begins as the first `length` tokens of `source`.
  SequenceId fork(SequenceId source, std::int32_t length) {
    const SequenceId sequence = fresh();
    ops_.push_back({SequenceOp::Kind::fork, sequence, source, length});
    return sequence;
  }
  void drop(SequenceId sequence) { ops_.push_back({SequenceOp::Kind::drop, sequence, 0, 0}); }

  /// Ends a sequence that holds `tokens`, but keeps it while there is room.
  void keep(SequenceId sequence, std::vector<Token> tokens);
  /// The kept sequence that shares the longest beginning with `tokens` that it can be cut to, of at most `most` tokens.
  PrefixCache::Match longest_kept(std::span<const Token> tokens, std::int32_t most) {
    return prefixes_.longest(tokens, most, [this](SequenceId id, std::int32_t length) { return can_cut(id, length); });
  }
  bool can_cut(SequenceId sequence, std::int32_t length) const { return runner_.can_cut(sequence, length); }
  /// Gives up all kept sequences.
  void drop_kept();

  /// Blocks for `count` more tokens of a sequence that holds `cached`, a copy of a shared last block included.
  std::int32_t blocks_to_extend(SequenceId sequence, std::int32_t cached, std::int32_t count) const;

  /// Frees blocks until `needed()` are free, giving up kept sequences. False if that is not enough.
  template <class Needed>
  bool make_room(const Needed& needed) {
    while (runner_.free_blocks() < needed()) {
      if (!flush() && !drop_oldest()) return false;
    }
    return true;
  }

  /// The changes so far, for the batch that is about to be evaluated.
  std::vector<SequenceOp> take_ops() { return std::exchange(ops_, {}); }
  /// Applies them now. False if there are none.
  bool flush();

 private:
  bool drop_oldest();

  Runner& runner_;
  PrefixCache prefixes_;
  std::vector<SequenceOp> ops_;
  SequenceId next_ = 0;
};

}  // namespace covey
