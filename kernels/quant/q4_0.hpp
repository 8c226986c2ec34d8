// Q4_0: 32 weights of 4 bits and a scale. w[i] = d * (q[i] - 8).
//
//   GGUF block, 18 bytes:
//     | d: fp16 | b0 | b1 | … | b15 |                 bj = q[j+16] << 4 | q[j]
//
//   Panel block of 16 rows, 288 bytes: the same bytes, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) |
//     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | … | row 15 |     64 bytes: low nibbles columns 0..3, high 16..19
//     | row 0: b4 b5 b6 b7 | …                                     low nibbles columns 4..7, high 20..23
//       …                                                          4 groups in all
//
// Nibbles stay unsigned: sum (q - 8) a = sum q a - 8 sum a, and an activation block brings its sum a along.
#pragma once

#include <cmath>
#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

struct Q4_0 {
  static constexpr TensorType kType = TensorType::q4_0;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 32;
  static constexpr int kBlockBytes = 18;
  static constexpr int kPanelBlockBytes = 18;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      for (int i = 0; i < 16; ++i) {
        const int b = std::to_integer<int>(row[2 + i]);
        out[i] = d * static_cast<float>((b & 15) - 8);
        out[i + 16] = d * static_cast<float>((b >> 4) - 8);
      }
    }
  }

  /// d = m / -8, where m is the weight of largest magnitude, sign included: it gets q = 0, exactly. The others get
  /// w / d + 8.5 without its fraction, 15 at most, with d before it is rounded to fp16.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      float m = 0.0F;
      for (int i = 0; i < kBlockElements; ++i) {
        if (std::fabs(row[i]) > std::fabs(m)) m = row[i];
      }
      const float d = m / -8.0F;
      const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
      store_u16(f32_to_fp16(d), out);
      for (int i = 0; i < 16; ++i) {
        out[2 + i] = static_cast<std::byte>(nibble(row[i] * inverse) | (nibble(row[i + 16] * inverse) << 4));
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      for (std::ptrdiff_t group = 0; group < 4; ++group) {
        std::memcpy(panel + 32 + 64 * group + 4 * r, rows[r] + 2 + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 4;
  static constexpr int kOffset = 8;
  static constexpr bool kHasMins = false;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, Use use) noexcept {
    for (std::ptrdiff_t group = 0; group < 4; ++group) {
      const auto quads = Isa::load_quads(block + 32 + 64 * group);
      use(4 * group, Isa::field(quads, 0, 4, 0));
      use(4 * group + 16, Isa::field(quads, 4, 4, 0));
    }
  }

  template <class Isa>
  static typename Isa::Floats scales(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }

 private:
  static int nibble(float scaled) noexcept {
    // False for NaN too: a weight that is not finite, or d so small that its inverse is not.
    if (!(std::fabs(scaled) <= 8.5F)) return 8;
    const int q = static_cast<int>(scaled + 8.5F);
    return q < 15 ? q : 15;
  }
};

}  // namespace covey
