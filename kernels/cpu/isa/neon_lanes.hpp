// What all instruction sets of 64-bit Arm share: 16 lanes are four NEON registers. Included by their files only, and
// local to each.
#pragma once

#include <arm_neon.h>

#include <xsimd/xsimd.hpp>

#include "kernels/cpu/isa_table.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/peak.hpp"

namespace covey {
namespace {

using Arch = xsimd::neon64;
using Batch = xsimd::batch<float, Arch>;
using FloatLanes = Lanes<Batch>;
using IntBatch = xsimd::batch<std::int32_t, Arch>;
using IntLanes = Lanes<IntBatch>;

/// Rows 0..3, 4..7, 8..11 and 12..15, four bytes each.
struct FourQuads {
  int8x16_t part[4];
};

/// Rows 0..3, 4..7, 8..11 and 12..15, two numbers each.
struct FourPairs {
  int16x8_t part[4];
};

/// Sums of 16 rows.
struct FourSums {
  int32x4_t part[4];
};

inline int8x16_t broadcast4(const void* four) {
  std::int32_t bits = 0;
  std::memcpy(&bits, four, sizeof(bits));
  return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}

/// Four registers by one instruction, which also moves on the address: it is kept from being known as a sum.
inline FourQuads load_next(const FourQuads*& from) {
  const int8x16x4_t all = vld1q_s8_x4(reinterpret_cast<const std::int8_t*>(from));
  ++from;
  asm("" : "+r"(from));
  return {{all.val[0], all.val[1], all.val[2], all.val[3]}};
}

inline FourSums splat(std::int32_t sum) {
  const int32x4_t all = vdupq_n_s32(sum);
  return {{all, all, all, all}};
}

inline IntLanes to_lanes(const FourSums& sums) { return {{sums.part[0], sums.part[1], sums.part[2], sums.part[3]}}; }

/// All of an InstructionSet but its dot products.
struct NeonLanes {
  using Floats = FloatLanes;
  using Ints = IntLanes;
  using Quads = FourQuads;
  using Pairs = FourPairs;

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
  static Ints load_i8(const std::byte* from) {
    const int8x16_t all = vreinterpretq_s8_u8(load16(from));
    return widened(vmovl_s8(vget_low_s8(all)), vmovl_high_s8(all));
  }
  static Ints load_u8(const std::byte* from) { return from_u8(load16(from)); }
  static Ints load_bits(const std::byte* from, int first, int width) { return from_u8(bits_of(from, first, width)); }
  static Pairs load_pairs(const std::byte* first, const std::byte* second, int from, int width) {
    const uint8x16_t a = bits_of(first, from, width), b = bits_of(second, from, width);
    const uint8x16_t low = vzip1q_u8(a, b), high = vzip2q_u8(a, b);
    return {{words(vmovl_u8(vget_low_u8(low))), words(vmovl_high_u8(low)), words(vmovl_u8(vget_low_u8(high))),
             words(vmovl_high_u8(high))}};
  }
  template <int N>
  static Ints add_pair_products(const Ints& sums, const Pairs (&pairs)[N], const std::int16_t* numbers) {
    int16x8_t two[N];
    unrolled<N>([&](auto i) { two[i] = vreinterpretq_s16_s8(broadcast4(numbers + 2 * i)); });
    return Ints::each([&](int r) {
      int32x4_t low = vmull_s16(vget_low_s16(pairs[0].part[r]), vget_low_s16(two[0]));
      int32x4_t high = vmull_high_s16(pairs[0].part[r], two[0]);
      unrolled<N - 1>([&](auto i) {
        low = vmlal_s16(low, vget_low_s16(pairs[i + 1].part[r]), vget_low_s16(two[i + 1]));
        high = vmlal_high_s16(high, pairs[i + 1].part[r], two[i + 1]);
      });
      return vaddq_s32(sums.part[r], vpaddq_s32(low, high));
    });
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
  template <int Count>
  static Lanes<Batch, Count> fma(const Lanes<Batch, Count>& a, const Lanes<Batch, Count>& b,
                                 const Lanes<Batch, Count>& c) {
    return Lanes<Batch, Count>::each([&](int i) { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return Floats::each([&](int i) { return vdivq_f32(a.part[i], b.part[i]); });
  }
  static std::int32_t store_i8(const Ints& lanes, std::int8_t* to) {
    const auto eight = [&](int i) {
      return vmovn_s16(vcombine_s16(vmovn_s32(lanes.part[i]), vmovn_s32(lanes.part[i + 1])));
    };
    const int8x16_t bytes = vcombine_s8(eight(0), eight(2));
    vst1q_s8(to, bytes);
    return vaddlvq_s8(bytes);
  }
  static std::int32_t greatest(const Ints& lanes) {
    const int32x4_t low = vmaxq_s32(lanes.part[0], lanes.part[1]);
    return vmaxvq_s32(vmaxq_s32(low, vmaxq_s32(lanes.part[2], lanes.part[3])));
  }
  static float greatest(const Floats& lanes) {
    const float32x4_t low = vmaxq_f32(lanes.part[0], lanes.part[1]);
    return vmaxvq_f32(vmaxq_f32(low, vmaxq_f32(lanes.part[2], lanes.part[3])));
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
  static void store_quads(const Quads& quads, std::byte* to) {
    for (int i = 0; i < 4; ++i) vst1q_s8(reinterpret_cast<std::int8_t*>(to) + 16 * i, quads.part[i]);
  }
  static Quads field(const Quads& quads, int from, int width, int to) {
    // A shift by a negative count goes right.
    const int8x16_t left = vdupq_n_s8(static_cast<std::int8_t>(to - from));
    const uint8x16_t mask = vdupq_n_u8(static_cast<std::uint8_t>(((1 << width) - 1) << to));
    return each([&](int i) {
      const uint8x16_t moved = vshlq_u8(vreinterpretq_u8_s8(quads.part[i]), left);
      return vreinterpretq_s8_u8(vandq_u8(moved, mask));
    });
  }
  static Quads either(const Quads& a, const Quads& b) {
    return each([&](int i) { return vorrq_s8(a.part[i], b.part[i]); });
  }
  static Quads lookup(const Quads& quads, const std::int8_t (&table)[16]) {
    const int8x16_t values = vld1q_s8(table);
    return each([&](int i) { return vqtbl1q_s8(values, vreinterpretq_u8_s8(quads.part[i])); });
  }

 private:
  static uint8x8_t load8(const std::byte* from) { return vld1_u8(reinterpret_cast<const std::uint8_t*>(from)); }
  static uint8x16_t load16(const std::byte* from) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)); }
  static uint8x16_t bits_of(const std::byte* from, int first, int width) {
    const uint8x16_t moved = vshlq_u8(load16(from), vdupq_n_s8(static_cast<std::int8_t>(-first)));
    return vandq_u8(moved, vdupq_n_u8(static_cast<std::uint8_t>((1 << width) - 1)));
  }
  static int16x8_t words(uint16x8_t small) { return vreinterpretq_s16_u16(small); }
  static Ints from_u8(uint8x16_t all) { return widened(words(vmovl_u8(vget_low_u8(all))), words(vmovl_high_u8(all))); }
  static Ints widened(int16x8_t low, int16x8_t high) {
    return {{vmovl_s16(vget_low_s16(low)), vmovl_high_s16(low), vmovl_s16(vget_low_s16(high)), vmovl_high_s16(high)}};
  }
  template <class F>
  static Quads each(F f) {
    return {{f(0), f(1), f(2), f(3)}};
  }
};

/// See kernels/cpu/peak.hpp; all but the dot product.
struct NeonPeakLanes {
  using Register = int32x4_t;
  using Floats = float32x4_t;
  static constexpr int kLanes = 4;

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
}  // namespace covey
