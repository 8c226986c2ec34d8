// Q5_0: 32 weights of 5 bits and a scale. w[i] = d * (q[i] - 16).
//
//   GGUF block, 22 bytes:
//     | d: fp16 | h: 32 bits | b0 | b1 | … | b15 |    bj = lower 4 bits: q[j+16] << 4 | q[j];  bit i of h: q[i] >> 4
//
//   Panel block of 16 rows, 352 bytes: the same bits, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) |
//     | row 0: h as in fifth_bits.hpp | row 1 | … | row 15 |       64 bytes: bit g of byte k is of column 4 g + k
//     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | … | row 15 |     64 bytes: low nibbles columns 0..3, high 16..19
//     | row 0: b4 b5 b6 b7 | …                                     low nibbles columns 4..7, high 20..23
//       …                                                          4 groups in all
#pragma once

#include <cmath>
#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/fifth_bits.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/rounding.hpp"

namespace covey {

struct Q5_0 {
  static constexpr TensorType kType = TensorType::q5_0;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 32;
  static constexpr int kBlockBytes = 22;
  static constexpr int kPanelBlockBytes = kBlockBytes;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      const std::uint32_t fifth = load_fifth_bits(row + 2);
      for (int i = 0; i < 16; ++i) {
        const int b = std::to_integer<int>(row[6 + i]);
        const int low = (b & 15) | static_cast<int>((fifth >> i) & 1U) << 4;
        const int high = (b >> 4) | static_cast<int>((fifth >> (i + 16)) & 1U) << 4;
        out[i] = d * static_cast<float>(low - 16);
        out[i + 16] = d * static_cast<float>(high - 16);
      }
    }
  }

  /// d = m / -16, where m is the weight of largest magnitude, sign included: it gets q = 0, exactly. The others get
  /// w / d + 16.5 without its fraction, 31 at most, with d before it is rounded to fp16.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const float d = extreme_of(row, kBlockElements) / -16.0F;
      const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
      store_u16(f32_to_fp16(d), out);
      std::uint32_t fifth = 0;
      for (int i = 0; i < 16; ++i) {
        const std::uint32_t low = stored(row[i] * inverse);
        const std::uint32_t high = stored(row[i + 16] * inverse);
        out[6 + i] = static_cast<std::byte>((low & 15U) | (high & 15U) << 4);
        fifth |= (low >> 4) << i | (high >> 4) << (i + 16);
      }
      std::memcpy(out + 2, &fifth, sizeof(fifth));
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      pack_fifth_bits(rows[r] + 2, panel + kFifthAt + 4 * r);
      for (std::ptrdiff_t group = 0; group < 4; ++group) {
        std::memcpy(panel + kQuadsAt + 64 * group + 4 * r, rows[r] + 6 + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 5;
  static constexpr int kOffset = 16;
  static constexpr bool kHasMins = false;

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

 private:
  static constexpr int kFifthAt = 32;
  static constexpr int kQuadsAt = 96;

  static std::uint32_t stored(float scaled) noexcept {
    // False for NaN too: a weight that is not finite, or d so small that its inverse is not.
    if (!(std::fabs(scaled) <= 16.5F)) return 16;
    return static_cast<std::uint32_t>(clamp_to(scaled + 16.5F, 0.0F, 31.0F));
  }
};

}  // namespace covey
