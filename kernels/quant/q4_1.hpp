// Q4_1: 32 weights of 4 bits, a scale and a minimum. w[i] = d * q[i] + m.
//
//   GGUF block, 20 bytes:
//     | d: fp16 | m: fp16 | b0 | b1 | … | b15 |       bj = q[j+16] << 4 | q[j]
//
//   Panel block of 16 rows, 320 bytes: the same bytes, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) | m of rows 0..15 (32 bytes) |
//     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | … | row 15 |     64 bytes: low nibbles columns 0..3, high 16..19
//     | row 0: b4 b5 b6 b7 | …                                     low nibbles columns 4..7, high 20..23
//       …                                                          4 groups in all
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/rounding.hpp"

namespace covey {

struct Q4_1 {
  static constexpr TensorType kType = TensorType::q4_1;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 32;
  static constexpr int kBlockBytes = 20;
  static constexpr int kPanelBlockBytes = kBlockBytes;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      const float m = fp16_to_f32(load_u16(row + 2));
      for (int i = 0; i < 16; ++i) {
        const int b = std::to_integer<int>(row[4 + i]);
        out[i] = static_cast<float>(b & 15) * d + m;
        out[i + 16] = static_cast<float>(b >> 4) * d + m;
      }
    }
  }

  /// m is the smallest weight, d a 15th of the way to the largest; q is the nearest, with both before they are rounded
  /// to fp16.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const WeightRange range = range_of(row, kBlockElements);
      const float d = (range.high - range.low) / 15.0F;
      const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
      store_u16(f32_to_fp16(d), out);
      store_u16(f32_to_fp16(range.low), out + 2);
      const auto nibble = [&](float weight) {
        return static_cast<int>(clamp_to((bounded(weight) - range.low) * inverse + 0.5F, 0.0F, 15.0F));
      };
      for (int i = 0; i < 16; ++i) out[4 + i] = static_cast<std::byte>(nibble(row[i]) | (nibble(row[i + 16]) << 4));
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      std::memcpy(panel + kMinsAt + 2 * r, rows[r] + 2, 2);
      for (std::ptrdiff_t group = 0; group < 4; ++group) {
        std::memcpy(panel + kQuadsAt + 64 * group + 4 * r, rows[r] + 4 + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 4;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMins = true;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, Use use) noexcept {
#pragma GCC unroll 4
    for (std::ptrdiff_t group = 0; group < 4; ++group) {
      const auto bytes = Isa::load_quads(block + kQuadsAt + 64 * group);
      use(4 * group, Isa::field(bytes, 0, 4, 0));
      use(4 * group + 16, Isa::field(bytes, 4, 4, 0));
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
  static constexpr int kQuadsAt = 64;
};

}  // namespace covey
