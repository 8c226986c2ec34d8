// A pass whose sums over the parts travel while it computes. The batch is cut in pieces, which take turns:
//
//     computes    A0 B0 A1 B1 A2 B2            A0: step 0 of piece A
//     travels        A0 B0 A1 B1 A2 B2
//
// Each token meets the same operations as in one piece, so the bits are the same wherever they don't depend on the size
// of a batch (as they may in a library for products of float weights).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/device.hpp"
#include "model/exchange.hpp"

namespace covey {

/// What a stage does to the tokens that the device has begun.
struct StageSteps {
  std::int32_t count = 0;
  std::function<void(std::int32_t step)> compute;  ///< from Slot::residual, which stays, to Slot::partial
  std::function<SumUse(std::int32_t step)> use;    ///< of the sum of that over the parts
  std::function<void(std::int32_t step)> join;     ///< adds the sum in Slot::partial to Slot::residual
};

/// How many pieces a batch is cut in when sums of up to `most` tokens can travel meanwhile. 1 where pieces would be so
/// small that reading the weights again for each costs more than waiting.
std::int32_t overlapped_pieces(std::int32_t tokens, std::int32_t most);

class OverlappedPass {
 public:
  /// Slot::residual holds the batch's rows before and after.
  void run(Device& device, const BatchView& batch, std::int32_t pieces, Exchange& exchange, const StageSteps& steps);

 private:
  std::vector<float> residual_;  // (tokens, n_embd)
  std::vector<float> partial_;   // (tokens, n_embd)
};

}  // namespace covey
