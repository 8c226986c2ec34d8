// NEON alone: every 64-bit Arm, from the Raspberry Pi 3 on.
#include <type_traits>

#include "kernels/cpu/isa/neon_lanes.hpp"

namespace covey {
namespace {

/// Sums of int32: what most dot products here share.
struct WideSums {
  using Weights = FourQuads;
  using Sums = FourSums;
  static constexpr int kOffset = 0;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(const FourQuads& quads) { return quads; }
  static Sums start() { return splat(0); }
  static Sums start(const std::int32_t* negative_sum, int shift) { return splat(*negative_sum * (1 << shift)); }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return splat((*negative_sum - *less) * (1 << shift));
  }
  static IntLanes integers(const Sums& sums) { return to_lanes(sums); }
};

/// Products of any int8 weights: pairs are within 2 * 128 * 127, below the limit of int16; sums of pairs are widened.
struct PairDot : WideSums {
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const int8x16_t a = broadcast4(activations);
    for (int i = 0; i < 4; ++i) {
      const int16x8_t low = vmull_s8(vget_low_s8(weights.part[i]), vget_low_s8(a));
      const int16x8_t high = vmull_high_s8(weights.part[i], a);
      sums.part[i] = vpadalq_s16(sums.part[i], vpaddq_s16(low, high));
    }
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
};

/// Weights 0..63: sums of two products, and pairs of such sums, are within 4 * 63 * 127, below the limit of int16.
struct TwoDot : PairDot {
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    const int8x16_t a = broadcast4(of_first);
    const int8x16_t b = broadcast4(of_second);
    for (int i = 0; i < 4; ++i) {
      const int16x8_t low =
          vmlal_s8(vmull_s8(vget_low_s8(first.part[i]), vget_low_s8(a)), vget_low_s8(second.part[i]), vget_low_s8(b));
      const int16x8_t high = vmlal_high_s8(vmull_high_s8(first.part[i], a), second.part[i], b);
      sums.part[i] = vpadalq_s16(sums.part[i], vpaddq_s16(low, high));
    }
  }
};

/// Weights 0..15: eight products, and pairs of such sums, are within 16 * 15 * 127, below the limit of int16, so they
/// are added across and widened but once.
struct NibbleDot {
  using Weights = FourQuads;
  struct Sums {
    int16x8_t low[4], high[4];  // an int16 a weight: rows 4i, 4i+1 and rows 4i+2, 4i+3
    std::int32_t correction;
  };
  static constexpr int kOffset = 0;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(const FourQuads& quads) { return quads; }
  static Sums start() { return start_at(0); }
  static Sums start(const std::int32_t* negative_sum, int shift) { return start_at(*negative_sum * (1 << shift)); }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return start_at((*negative_sum - *less) * (1 << shift));
  }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const int8x16_t a = broadcast4(activations);
    for (int i = 0; i < 4; ++i) {
      sums.low[i] = vmlal_s8(sums.low[i], vget_low_s8(weights.part[i]), vget_low_s8(a));
      sums.high[i] = vmlal_high_s8(sums.high[i], weights.part[i], a);
    }
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
  static IntLanes integers(const Sums& sums) {
    return IntLanes::each([&](int i) {
      const int32x4_t rows = vpaddlq_s16(vpaddq_s16(sums.low[i], sums.high[i]));
      return vaddq_s32(rows, vdupq_n_s32(sums.correction));
    });
  }

 private:
  static Sums start_at(std::int32_t correction) {
    const int16x8_t zero = vdupq_n_s16(0);
    return {{zero, zero, zero, zero}, {zero, zero, zero, zero}, correction};
  }
};

struct Neon : NeonLanes {
  template <int Bits>
  using Dot = std::conditional_t<Bits <= 4, NibbleDot, std::conditional_t<Bits <= 6, TwoDot, PairDot>>;
  using TileLanes = RowLanes<Neon>;
  template <int Bits, int>
  using TileDot = Dot<Bits>;
  template <class Arithmetic>
  using TileColumns = UnpackedColumns<Neon, Arithmetic>;
  static constexpr int kDotTile = 2;
  static constexpr int kTilePieces = 8;
  static constexpr int kTilePanels = 1;
  static constexpr int kFewTile = 2;
  static constexpr int kFewTokens = 2;
  static constexpr int kFloatTile = 4;
  static constexpr bool kStoresAround = false;
};

struct NeonPeak : NeonPeakLanes {
  static constexpr int kDotProducts = 16;

  static Register dot(Register sums, Register weights, Register activations) {
    const int8x16_t w = vreinterpretq_s8_s32(weights);
    const int8x16_t a = vreinterpretq_s8_s32(activations);
    return vpadalq_s16(sums, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(a)), w, a));
  }
};

}  // namespace

constexpr IsaTable kIsaNeon = with_peaks<NeonPeak, 8, 16, 24>(make_isa_table<Neon>("neon", &neon_runs_here));

}  // namespace covey
