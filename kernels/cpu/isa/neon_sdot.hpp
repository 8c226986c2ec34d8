// Dot products by sdot, which does four columns of four rows in one instruction. Included by the files of instruction
// sets that have it, and local to each.
#pragma once

#include "kernels/cpu/isa/neon_lanes.hpp"

namespace covey {
namespace {

/// For few tokens.
struct SdotDot {
  using Weights = FourQuads;
  using Sums = FourSums;
  static constexpr int kOffset = 0;

  static Weights prepare(const FourQuads& quads) { return quads; }
  static Sums start() { return splat(0); }
  static Sums start(const std::int32_t* negative_sum, int shift) { return splat(*negative_sum * (1 << shift)); }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return splat((*negative_sum - *less) * (1 << shift));
  }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const int8x16_t a = broadcast4(activations);
    for (int i = 0; i < 4; ++i) sums.part[i] = vdotq_s32(sums.part[i], weights.part[i], a);
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
  static IntLanes integers(const Sums& sums) { return to_lanes(sums); }
};

/// Weights of many tokens' tiles are signed: what they are stored with is taken off once, and sums begin at zero.
template <int Offset>
struct SignedQuads {
  using Weights = FourQuads;
  static constexpr int kOffset = -Offset;

  static Weights prepare(const FourQuads& quads) {
    if constexpr (Offset == 0) return quads;
    const int8x16_t offset = vdupq_n_s8(Offset);
    return {{vsubq_s8(quads.part[0], offset), vsubq_s8(quads.part[1], offset), vsubq_s8(quads.part[2], offset),
             vsubq_s8(quads.part[3], offset)}};
  }
};

}  // namespace
}  // namespace covey
