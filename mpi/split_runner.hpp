// Rank 0's side of a model that is split over all ranks: every batch goes to all of them, then each computes its share.
#pragma once

#include "model/exchange.hpp"
#include "model/kv_cache.hpp"
#include "model/runner.hpp"
#include "model/stage.hpp"
#include "mpi/transport.hpp"

namespace covey {

class SplitRunner final : public Runner {
 public:
  /// All must outlive the object.
  SplitRunner(Stage& stage, Exchange& exchange, Transport& transport);

  const RunnerLimits& limits() const override { return stage_.limits(); }
  std::int32_t free_blocks() const override { return stage_.free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return stage_.blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return stage_.length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return stage_.can_cut(sequence, length); }
  /// Also throws PeerLost when a rank is lost or fails; the ranks are then out of step and every later call throws
  /// Error.
  std::span<const float> forward(const Batch& batch) override;

 private:
  Stage& stage_;
  Exchange& exchange_;
  Transport& transport_;
  // The same book-keeping as every rank's: refuses a batch before anybody is told of it.
  KvCache books_;
  BatchPlan plan_;
  bool in_step_ = true;
};

}  // namespace covey
