// Whatever evaluates batches: this process alone, or many ranks behind one interface.
#pragma once

#include <cstdint>
#include <span>

#include "model/batch.hpp"

namespace covey {

/// Room for a batch, as the scheduler needs to know it.
struct RunnerLimits {
  std::int32_t n_vocab = 0;
  std::int32_t n_ctx = 0;       ///< longest sequence
  std::int32_t max_tokens = 0;  ///< most tokens in one batch
  std::int32_t block_tokens = 0;
  std::int32_t blocks = 0;  ///< cache blocks in all
  std::int32_t window = 0;  ///< positions that layers with a sliding window keep; 0: all layers keep all
};

class Runner {
 public:
  virtual ~Runner() = default;

  virtual const RunnerLimits& limits() const = 0;
  /// Cache blocks not held by any sequence now.
  virtual std::int32_t free_blocks() const = 0;
  /// Cache blocks that appending one more token to `sequence` would take: 0, or 1 (a new block, or a copy of a shared
  /// one).
  virtual std::int32_t blocks_to_append(SequenceId sequence) const = 0;
  /// Length in tokens, 0 for a sequence that does not exist.
  virtual std::int32_t length(SequenceId sequence) const = 0;

  /// Whether `length` tokens of `sequence` can be forked, or kept when it is cut: not where layers with a window have
  /// forgotten what the next token would see.
  virtual bool can_cut(SequenceId sequence, std::int32_t length) const = 0;

  /// Applies the ops, evaluates the tokens, and returns one row of n_vocab logits (or a shortlist of them, see
  /// Batch::shortlist) for each token that wants them, in batch order. The rows last until the next call. Throws Error
  /// (leaving the cache as it was) if the batch does not fit: too many tokens, a sequence over n_ctx, no free block, an
  /// unknown sequence.
  virtual std::span<const float> forward(const Batch& batch) = 0;  // (wanted, n_vocab)

  /// How many passes may be under way at once. Above 1, start() begins one (throwing as forward() does) and finish()
  /// gives the logits of the oldest; forward() of tokens only with none under way.
  virtual std::int32_t depth() const { return 1; }
  virtual void start(const Batch& batch) { static_cast<void>(batch); }
  virtual std::span<const float> finish() { return {}; }
};

}  // namespace covey
