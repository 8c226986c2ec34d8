// Q5_1: 32 weights of 5 bits, a scale and a minimum. w[i] = d * q[i] + m.
//
//   GGUF block, 24 bytes:
//     | d: fp16 | m: fp16 | h: 32 bits | b0 | … | b15 |     bj = lower 4 bits: q[j+16] << 4 | q[j];  bit i of h: q[i]
//     >> 4
//
//   Panel block of 16 rows, 384 bytes: the same bits, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) | m of rows 0..15 (32 bytes) |
//     | row 0: h as in fifth_bits.hpp | row 1 | … | row 15 |       64 bytes: bit g of byte k is of column 4 g + k
//     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | … | row 15 |     64 bytes: low nibbles columns 0..3, high 16..19
//     | row 0: b4 b5 b6 b7 | …                                     low nibbles columns 4..7, high 20..23
//       …                                                          4 groups in all
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/fifth_bits.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/rounding.hpp"

namespace covey {

struct Q5_1 {
  static constexpr TensorType kType = TensorType::q5_1;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 32;
  static constexpr int kBlockBytes = 24;
  static constexpr int kPanelBlockBytes = kBlockBytes;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      const float m = fp16_to_f32(load_u16(row + 2));
      const std::uint32_t fifth = load_fifth_bits(row + 4);
      for (int i = 0; i < 16; ++i) {
        const int b = std::to_integer<int>(row[8 + i]);
        const int low = (b & 15) | static_cast<int>((fifth >> i) & 1U) << 4;
        const int high = (b >> 4) | static_cast<int>((fifth >> (i + 16)) & 1U) << 4;
        out[i] = static_cast<float>(low) * d + m;
        out[i + 16] = static_cast<float>(high) * d + m;
      }
    }
  }

  /// m is the smallest weight, d a 31st of the way to the largest; q is the nearest, with both before they are rounded
  /// to fp16.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const WeightRange range = range_of(row, kBlockElements);
      const float d = (range.high - range.low) / 31.0F;
      const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
      store_u16(f32_to_fp16(d), out);
      store_u16(f32_to_fp16(range.low), out + 2);
      const auto stored = [&](float weight) {
        return static_cast<std::uint32_t>(clamp_to((bounded(weight) - range.low) * inverse + 0.5F, 0.0F, 31.0F));
      };
      std::uint32_t fifth = 0;
      for (int i = 0; i < 16; ++i) {
        const std::uint32_t low = stored(row[i]);
        const std::uint32_t high = stored(row[i + 16]);
        out[8 + i] = static_cast<std::byte>((low & 15U) | (high & 15U) << 4);
        fifth |= (low >> 4) << i | (high >> 4) << (i + 16);
      }
      std::memcpy(out + 4, &fifth, sizeof(fifth));
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      std::memcpy(panel + kMinsAt + 2 * r, rows[r] + 2, 2);
      pack_fifth_bits(rows[r] + 4, panel + kFifthAt + 4 * r);
      for (std::ptrdiff_t group = 0; group < 4; ++group) {
        std::memcpy(panel + kQuadsAt + 64 * group + 4 * r, rows[r] + 8 + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 5;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMins = true;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, Use use) noexcept {
    const auto fifth = Isa::load_quads(block + kFifthAt);
#pragma GCC unroll 4
    for (int group = 0; group < 4; ++group) {
      const auto bytes = Isa::load_quads(block + kQuadsAt + std::ptrdiff_t{64} * group);
      use(4 * group, Isa::either(Isa::field(bytes, 0, 4, 0), Isa::field(fifth, group, 1, 4)));
      use(4 * group + 16, Isa::either(Isa::field(bytes, 4, 4, 0), Isa::field(fifth, group + 4, 1, 4)));
    }
  }
  template <class Isa>
  static typename Isa::Floats scales(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Floats mins(const std::byte* block) noexcept {
    return Isa::load_f16(block + kMinsAt);
  }

 private:
  static constexpr int kMinsAt = 32;
  static constexpr int kFifthAt = 64;
  static constexpr int kQuadsAt = 128;
};

}  // namespace covey
