// Rank 0's side of a model that is split over all ranks: every batch goes to all of them, then each computes its share.
//
// In a pipeline a prompt goes in micro-batches, so that all stages work on it at once:
//
//     stage 0   1 2 3 4 . . h            h: the head, on what comes back of the last stage
//     stage 1     1 2 3 4
//     stage 2       1 2 3 4
//
// and passes of different sequences may be under way together, each of which starts its next token as soon as its own
// returns (the no-bubble schedule of EdgeShard, Zhang et al. 2024, arXiv:2405.14371).
#pragma once

#include <deque>
#include <vector>

#include "model/exchange.hpp"
#include "model/kv_cache.hpp"
#include "model/runner.hpp"
#include "model/stage.hpp"
#include "mpi/transport.hpp"

namespace covey {

struct SplitSchedule {
  std::int32_t depth = 1;        ///< passes under way at once
  std::int32_t micro_batch = 0;  ///< most tokens of a prompt in one pass; 0: as many as fit
};

class SplitRunner final : public Runner {
 public:
  /// All must outlive the object.
  SplitRunner(Stage& stage, Exchange& exchange, Transport& transport, const SplitSchedule& schedule);

  const RunnerLimits& limits() const override { return stage_.limits(); }
  std::int32_t free_blocks() const override { return stage_.free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return stage_.blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return stage_.length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return stage_.can_cut(sequence, length); }
  /// Also throws PeerLost when a rank is lost or fails; the ranks are then out of step and every later call throws
  /// Error.
  std::span<const float> forward(const Batch& batch) override;
  std::int32_t depth() const override { return schedule_.depth; }
  void start(const Batch& batch) override;
  std::span<const float> finish() override;

 private:
  std::span<const float> forward_in_pieces(const Batch& batch);
  void check(const Batch& batch) const;

  Stage& stage_;
  Exchange& exchange_;
  Transport& transport_;
  SplitSchedule schedule_;
  // The same book-keeping as every rank's: refuses a batch before anybody is told of it.
  KvCache books_;
  BatchPlan plan_;
  std::deque<Stage::Started> under_way_;
  std::vector<float> logits_;  // of micro-batches, together
  bool in_step_ = true;
};

}  // namespace covey
