// Tensor parallel: partial sums of all ranks become the sum on all ranks, the same bits on each.
//
// What rounding for the wire takes away of a sum is added to this rank's part of the next one in the same pass: both
// join the same residual stream, so the loss lasts for one layer only and does not add up.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "model/exchange.hpp"
#include "mpi/all_reduce/sum_plan.hpp"
#include "mpi/transport.hpp"

namespace covey {

class TensorExchange final : public Exchange {
 public:
  /// `transport` must outlive the object. A peer that sends nothing for `timeout` counts as lost. `row`: values of a
  /// token, if sums may travel while others are computed; else 0.
  TensorExchange(Transport& transport, std::chrono::milliseconds timeout, SumPlan plan, WireType wire,
                 std::size_t row = 0);

  void begin() override;
  void sum(std::span<float> partial, SumUse use) override;
  std::int32_t tokens_on_the_way() const override { return tokens_on_the_way_; }
  bool several_on_the_way(std::size_t values) const override;
  void start_sum(std::span<float> partial, SumUse use, std::size_t first) override;
  void finish_sum() override;
  bool sum_is_here() override;
  void gather(std::span<const float> mine, std::span<float> all) override;

 private:
  /// This rank's part with what was rounded away before, and where to keep what will be; `first`: number of its first
  /// value among those of the pass.
  SumPiece carried(std::span<float> partial, SumUse use, std::size_t first);

  Transport& transport_;
  SumPlan plan_;
  std::size_t row_;
  std::int32_t tokens_on_the_way_ = 0;
  bool rounds_;
  SumLink link_;
  SumLink exact_link_;
  std::vector<float> errors_;  // (tokens, n_embd) of the sums of this pass; empty before the first
  struct Started {
    const SumAlgorithm* algorithm;
    SumPiece piece;
  };
  std::deque<Started> under_way_;  // the oldest first
};

}  // namespace covey
