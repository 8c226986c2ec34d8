// Tensor parallel: partial sums of all ranks become the sum on all ranks, the same bits on each.
//
// What rounding for the wire takes away of a sum is added to this rank's part of the next one in the same pass: both
// join the same residual stream, so the loss lasts for one layer only and does not add up.
#pragma once

#include <vector>

#include "model/exchange.hpp"
#include "mpi/all_reduce/sum_plan.hpp"
#include "mpi/transport.hpp"

namespace covey {

class TensorExchange final : public Exchange {
 public:
  /// `transport` must outlive the object. A peer that sends nothing for `timeout` counts as lost.
  TensorExchange(Transport& transport, std::chrono::milliseconds timeout, SumPlan plan, WireType wire);

  void begin() override;
  void sum(std::span<float> partial, SumUse use) override;

 private:
  Transport& transport_;
  SumPlan plan_;
  bool rounds_;
  SumLink link_;
  SumLink exact_link_;
  std::vector<float> errors_;  // (tokens, n_embd) of the sums of this pass; empty before the first
};

}  // namespace covey
