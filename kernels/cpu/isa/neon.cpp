// NEON: every 64-bit Arm, from the Raspberry Pi 3 on. 16 lanes are four registers.
#include <arm_neon.h>

#include <xsimd/xsimd.hpp>

#include "kernels/cpu/isa_table.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/peak.hpp"

namespace covey {
namespace {

using Arch = xsimd::neon64;
using FloatLanes = Lanes<xsimd::batch<float, Arch>>;

/// Rows 0..3, 4..7, 8..11 and 12..15, four bytes each.
struct Four {
  int8x16_t part[4];
};

int8x16_t broadcast4(const std::int8_t* four) {
  std::int32_t bits = 0;
  std::memcpy(&bits, four, sizeof(bits));
  return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}

#ifdef __ARM_FEATURE_DOTPROD

/// sdot does four columns of four rows in one instruction.
struct SdotDot {
  using Weights = Four;
  struct Sums {
    int32x4_t part[4];  // int32 a row
  };
  static constexpr int kOffset = 0;

  static Weights prepare(const Four& quads) { return quads; }
  static Sums start(std::int32_t correction) {
    const int32x4_t all = vdupq_n_s32(correction);
    return {{all, all, all, all}};
  }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const int8x16_t a = broadcast4(activations);
    for (int i = 0; i < 4; ++i) sums.part[i] = vdotq_s32(sums.part[i], weights.part[i], a);
  }
  static FloatLanes finish(const Sums& sums) {
    return FloatLanes::each([&](int i) { return vcvtq_f32_s32(sums.part[i]); });
  }
};
using WideDot = SdotDot;
using NarrowDot = SdotDot;

#else

/// Products of any int8 weights: pairs are within 2 * 128 * 127, below the limit of int16; sums of pairs are widened.
struct WideDot {
  using Weights = Four;
  struct Sums {
    int32x4_t part[4];  // int32 a row
  };
  static constexpr int kOffset = 0;

  static Weights prepare(const Four& quads) { return quads; }
  static Sums start(std::int32_t correction) {
    const int32x4_t all = vdupq_n_s32(correction);
    return {{all, all, all, all}};
  }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const int8x16_t a = broadcast4(activations);
    for (int i = 0; i < 4; ++i) {
      const int16x8_t low = vmull_s8(vget_low_s8(weights.part[i]), vget_low_s8(a));
      const int16x8_t high = vmull_high_s8(weights.part[i], a);
      sums.part[i] = vpadalq_s16(sums.part[i], vpaddq_s16(low, high));
    }
  }
  static FloatLanes finish(const Sums& sums) {
    return FloatLanes::each([&](int i) { return vcvtq_f32_s32(sums.part[i]); });
  }
};

/// Weights 0..15: eight products, and pairs of such sums, are within 16 * 15 * 127, below the limit of int16, so they
/// are added across and widened but once a block.
struct NarrowDot {
  using Weights = Four;
  struct Sums {
    int16x8_t low[4], high[4];  // one int16 a weight: rows 4i, 4i+1 and rows 4i+2, 4i+3
    std::int32_t correction;
  };
  static constexpr int kOffset = 0;

  static Weights prepare(const Four& quads) { return quads; }
  static Sums start(std::int32_t correction) {
    const int16x8_t zero = vdupq_n_s16(0);
    return {{zero, zero, zero, zero}, {zero, zero, zero, zero}, correction};
  }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const int8x16_t a = broadcast4(activations);
    for (int i = 0; i < 4; ++i) {
      sums.low[i] = vmlal_s8(sums.low[i], vget_low_s8(weights.part[i]), vget_low_s8(a));
      sums.high[i] = vmlal_high_s8(sums.high[i], weights.part[i], a);
    }
  }
  static FloatLanes finish(const Sums& sums) {
    return FloatLanes::each([&](int i) {
      const int32x4_t rows = vpaddlq_s16(vpaddq_s16(sums.low[i], sums.high[i]));
      return vcvtq_f32_s32(vaddq_s32(rows, vdupq_n_s32(sums.correction)));
    });
  }
};

#endif

struct Neon {
  using Floats = FloatLanes;
  using Ints = Lanes<xsimd::batch<std::int32_t, Arch>>;
  using Quads = Four;
  using SignedDot = WideDot;
  using NibbleDot = NarrowDot;
  static constexpr int kDotTile = 2;
  static constexpr int kFloatTile = 4;

  static Floats load_f32(const std::byte* from) {
    return Floats::each([&](std::ptrdiff_t i) { return vreinterpretq_f32_u8(load16(from + 16 * i)); });
  }
  static Floats load_f16(const std::byte* from) {
    return Floats::each([&](std::ptrdiff_t i) { return vcvt_f32_f16(vreinterpret_f16_u8(load8(from + 8 * i))); });
  }
  static Floats load_bf16(const std::byte* from) {
    return Floats::each([&](std::ptrdiff_t i) {
      return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(load8(from + 8 * i)), 16));
    });
  }
  static Floats load_i8(const std::byte* from) {
    const int8x16_t all = vreinterpretq_s8_u8(load16(from));
    const int16x8_t low = vmovl_s8(vget_low_s8(all));
    const int16x8_t high = vmovl_high_s8(all);
    return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
             vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high))}};
  }
  static float f16_at(const std::byte* from) {
    return static_cast<float>(__builtin_bit_cast(float16_t, load_u16(from)));
  }
  static void store_f16(const Floats& lanes, std::byte* to) {
    for (std::ptrdiff_t i = 0; i < 4; ++i) {
      const uint8x8_t bytes = vreinterpret_u8_f16(vcvt_f16_f32(lanes.part[i]));
      vst1_u8(reinterpret_cast<std::uint8_t*>(to + 8 * i), bytes);
    }
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return Floats::each([&](int i) { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return Floats::each([&](int i) { return vdivq_f32(a.part[i], b.part[i]); });
  }
  static float sum(const Floats& lanes) {
    const float32x4_t four = (lanes.part[0] + lanes.part[2]) + (lanes.part[1] + lanes.part[3]);
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
  }

  static Quads load_quads(const std::byte* from) {
    return {{vreinterpretq_s8_u8(load16(from)), vreinterpretq_s8_u8(load16(from + 16)),
             vreinterpretq_s8_u8(load16(from + 32)), vreinterpretq_s8_u8(load16(from + 48))}};
  }
  static Quads low_nibbles(const Quads& quads) {
    Quads low;
    for (int i = 0; i < 4; ++i) low.part[i] = vandq_s8(quads.part[i], vdupq_n_s8(15));
    return low;
  }
  static Quads high_nibbles(const Quads& quads) {
    Quads high;
    for (int i = 0; i < 4; ++i) {
      high.part[i] = vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(quads.part[i]), 4));
    }
    return high;
  }
  static Quads upper_bits(const Quads& quads, int pair) {
    // A shift by a negative count goes right.
    const int8x16_t left = vdupq_n_s8(static_cast<std::int8_t>(4 - 2 * pair));
    Quads upper;
    for (int i = 0; i < 4; ++i) {
      const uint8x16_t shifted = vshlq_u8(vreinterpretq_u8_s8(quads.part[i]), left);
      upper.part[i] = vreinterpretq_s8_u8(vandq_u8(shifted, vdupq_n_u8(0x30)));
    }
    return upper;
  }
  static Quads join_six_bits(const Quads& nibbles, const Quads& upper) {
    Quads joined;
    for (int i = 0; i < 4; ++i) {
      joined.part[i] = vsubq_s8(vorrq_s8(nibbles.part[i], upper.part[i]), vdupq_n_s8(32));
    }
    return joined;
  }

 private:
  static uint8x8_t load8(const std::byte* from) { return vld1_u8(reinterpret_cast<const std::uint8_t*>(from)); }
  static uint8x16_t load16(const std::byte* from) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)); }
};

struct NeonPeak {
  using Register = int32x4_t;
  using Floats = float32x4_t;
  static constexpr int kDotProducts = 16;
  static constexpr int kLanes = 4;

  static Register dot(Register sums, Register weights, Register activations) {
    const int8x16_t w = vreinterpretq_s8_s32(weights);
    const int8x16_t a = vreinterpretq_s8_s32(activations);
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(sums, w, a);
#else
    return vpadalq_s16(sums, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(a)), w, a));
#endif
  }
  static Floats fma(Floats a, Floats b, Floats sums) { return vfmaq_f32(sums, a, b); }
  static Register load(const std::byte* from) {
    return vreinterpretq_s32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)));
  }
  template <class T>
  static void keep(T& value) {
    asm volatile("" : "+w"(value));
  }
};

}  // namespace

constexpr IsaTable kIsaNeon = with_peaks<NeonPeak, 8, 16, 24>(make_isa_table<Neon>("neon", &neon_runs_here));

}  // namespace covey
