// Passes whose sums over the parts travel while they compute, with the bits of passes that wait for each sum.
//
// By tokens: the batch is cut in pieces, which take turns, and each reads all weights.
//
//     computes    A0 B0 A1 B1 A2 B2            A0: step 0 of piece A
//     travels        A0 B0 A1 B1 A2 B2
//
// By bands: what a step's last product gives is cut in bands of neighbouring columns, and weights are read once.
//
//     computes    0 a b c d 1 a b c d          0: step 0 but for its last product; a: its first band
//     travels         a b c d   a b c d
//
// The next step's first products begin with the columns that have come, where they can (see LayerSteps).
//
// Each value meets the same operations as in one piece (but see BatchView::prompt).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"
#include "model/exchange.hpp"
#include "model/layer_steps.hpp"

namespace covey {

/// How many pieces a batch is cut in when sums of up to `most` tokens can travel meanwhile. 1 where pieces would be so
/// small that reading the weights again for each costs more than waiting.
std::int32_t overlapped_pieces(std::int32_t tokens, std::int32_t most);

class OverlappedPass {
 public:
  /// Slot::residual holds the batch's rows before and after.
  void run_pieces(Device& device, const BatchView& batch, std::int32_t pieces, Exchange& exchange, LayerSteps& steps);
  /// The same in bands as wide as Slot::band.
  void run_bands(Device& device, std::int32_t tokens, Exchange& exchange, LayerSteps& steps);

 private:
  /// Sums of a step's bands, each `width` columns: on their way in `partial_`.
  struct Bands {
    std::int32_t tokens;
    std::int32_t width;
    std::int32_t count;
  };
  std::span<float> band_of(const Bands& bands, std::int32_t index);
  void join_all(Device& device, const Bands& bands, Exchange& exchange);
  void enter_with(const Bands& bands, std::int32_t step, Exchange& exchange, const LayerSteps& steps);

  std::vector<float> residual_;  // (tokens, n_embd)
  std::vector<float> partial_;   // (tokens, n_embd), or (bands, tokens, band)
};

}  // namespace covey
