// NEON with the dot product instructions of Armv8.2: Cortex-A55 and A76 on (Raspberry Pi 5).
#include "kernels/cpu/isa/neon_lanes.hpp"

namespace covey {
namespace {

/// sdot does four columns of four rows in one instruction.
struct SdotDot {
  using Weights = FourQuads;
  using Sums = FourSums;
  using Sixteen = int8x16_t;
  static constexpr int kOffset = 0;
  static constexpr bool kHasRowSums = false;
  static constexpr bool kByElement = true;

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
  static Sixteen sixteen(const std::int8_t* activations) { return vld1q_s8(activations); }
  template <int Group>
  static void add_element(Sums& sums, const Weights& weights, const Sixteen& activations) {
    for (int i = 0; i < 4; ++i) {
      sums.part[i] = vdotq_laneq_s32(sums.part[i], weights.part[i], activations, Group);
    }
  }
  static FloatLanes finish(const Sums& sums) { return to_floats(sums); }
};

struct NeonDotprod : NeonLanes {
  template <int Bits>
  using Dot = SdotDot;
  template <int Bits>
  using TileDot = SdotDot;
  static constexpr int kDotTile = 4;
  static constexpr int kFewTile = 4;
  static constexpr int kFewTokens = 4;
  static constexpr int kFloatTile = 4;
};

struct NeonDotprodPeak : NeonPeakLanes {
  static Register dot(Register sums, Register weights, Register activations) {
    return vdotq_s32(sums, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(activations));
  }
};

}  // namespace

constexpr IsaTable kIsaNeonDotprod =
    with_peaks<NeonDotprodPeak, 8, 16, 24>(make_isa_table<NeonDotprod>("neon_dotprod", &neon_dotprod_runs_here));

}  // namespace covey
