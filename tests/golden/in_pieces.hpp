// A runner with room for fewer tokens in a pass than it has: one model, loaded once, in batches of every size.
#pragma once

#include "model/runner.hpp"

namespace covey {

class InPieces final : public Runner {
 public:
  InPieces(Runner& runner, std::int32_t max_tokens) : runner_(runner), limits_(runner.limits()) {
    limits_.max_tokens = max_tokens;
  }
  const RunnerLimits& limits() const override { return limits_; }
  std::int32_t free_blocks() const override { return runner_.free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return runner_.blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return runner_.length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return runner_.can_cut(sequence, length); }
  std::span<const float> forward(const Batch& batch) override { return runner_.forward(batch); }

 private:
  Runner& runner_;
  RunnerLimits limits_;
};

}  // namespace covey
