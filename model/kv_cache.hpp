// The book-keeping of the paged KV cache (Kwon et al. 2023, arXiv:2309.06180): which blocks hold which sequence.
//
// A sequence is a table of fixed-size blocks. Forked sequences share blocks, counted; a shared block is copied when one
// of its sequences writes into it. The numbers are the same on every rank that applies the same batches, so ranks need
// not tell each other about blocks. The storage itself belongs to the device.
//
//   sequence 0: [ 0 | 1 | 2 ]          blocks 0 and 1 have two owners
//   sequence 1: [ 0 | 1 | 5 ]          block 2 was copied to 5 when sequence 1 wrote into it
//
// Layers with a sliding window use the same tables. A block before the windows of all sequences that hold it is
// forgotten: those layers' share of its memory goes back to the system, while other layers keep theirs. A sequence can
// then only be forked, or cut, where the next token finds all of its window.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "kernels/device.hpp"
#include "model/batch.hpp"
#include "model/runner.hpp"

namespace covey {

/// What a device needs to evaluate a batch. Reused from pass to pass.
struct BatchPlan {
  std::vector<std::int32_t> token, position, sequence, place;  // (tokens)
  std::vector<std::int32_t> wanted;                            // batch rows whose logits are wanted
  std::vector<std::span<const std::int32_t>> tables;           // by index in `sequence`
  std::vector<std::pair<std::int32_t, std::int32_t>> copies;   // blocks to copy first: from, to
  std::vector<std::int32_t> forgotten;                         // blocks that no window reaches any more

  BatchView view(bool prompt) const { return {token, position, sequence, place, tables, prompt}; }
};

class KvCache {
 public:
  explicit KvCache(const RunnerLimits& limits);

  /// Applies a batch: its ops in order, then one place for each token. Throws Error, leaving everything as it was, if a
  /// sequence is unknown, would exceed n_ctx, cannot be cut where it should, a token is not in the vocabulary, or no
  /// block is free. The plan's tables stay valid until the next call.
  void apply(const Batch& batch, BatchPlan& plan);

  std::int32_t free_blocks() const { return static_cast<std::int32_t>(free_.size()); }
  std::int32_t block_tokens() const { return block_tokens_; }
  std::int32_t length(SequenceId sequence) const;
  /// See Runner::blocks_to_append.
  std::int32_t blocks_to_append(SequenceId sequence) const;
  /// See Runner::can_cut.
  bool can_cut(SequenceId sequence, std::int32_t length) const;

 private:
  struct Sequence {
    std::vector<std::int32_t> blocks;
    std::int32_t length = 0;
    std::int32_t first_kept = 0;   // blocks before this one are forgotten, as far as the sequence is concerned
    std::int32_t plan_index = -1;  // in the plan being made
  };

  void validate(const Batch& batch) const;
  void apply_all(const Batch& batch, BatchPlan& plan);
  void apply_op(const SequenceOp& op);
  void append(const BatchToken& token, BatchPlan& plan);
  void truncate(Sequence& sequence, std::int32_t length);
  /// First block that a token at this position sees through a window.
  std::int32_t first_needed(std::int32_t position) const;
  /// Before tokens are appended.
  void forget(Sequence& sequence, BatchPlan& plan);
  std::int32_t take_block();
  void give_back(const Sequence& sequence, std::size_t index);

  std::int32_t block_tokens_;
  std::int32_t n_ctx_;
  std::int32_t n_vocab_;
  std::int32_t window_;
  std::map<SequenceId, Sequence> sequences_;
  std::vector<std::int32_t> owners_;    // (blocks)
  std::vector<std::int32_t> watchers_;  // (blocks) owners whose window may still reach it
  std::vector<std::int32_t> free_;      // a stack
};

}  // namespace covey
