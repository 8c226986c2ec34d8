// Q8_0: 32 weights of 8 bits and a scale. w[i] = d * q[i].
//
//   GGUF block, 34 bytes:
//     | d: fp16 | q0 | q1 | … | q31 |                 q: int8, -127..127 (a file may hold -128)
//
//   Panel block of 16 rows, 544 bytes: the same bytes, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) |
//     | row 0: q0 q1 q2 q3 | row 1: q0 q1 q2 q3 | … | row 15 |     64 bytes: columns 0..3
//     | row 0: q4 q5 q6 q7 | …                                     columns 4..7
//       …                                                          8 groups of 4 columns in all
#pragma once

#include <cmath>
#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

struct Q8_0 {
  static constexpr TensorType kType = TensorType::q8_0;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 32;
  static constexpr int kBlockBytes = 34;
  static constexpr int kPanelBlockBytes = 34;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      for (int i = 0; i < kBlockElements; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(row[2 + i]));
    }
  }

  /// d = max |w| / 127; q = w / d, halves away from zero, with d before it is rounded to fp16.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      float amax = 0.0F;
      for (int i = 0; i < kBlockElements; ++i) amax = std::fmax(amax, std::fabs(row[i]));
      const float d = amax / 127.0F;
      const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
      store_u16(f32_to_fp16(d), out);
      for (int i = 0; i < kBlockElements; ++i) {
        const float q = std::round(row[i] * inverse);
        // Beyond the range only where a weight is not finite, or d so small that its inverse is not.
        out[2 + i] = std::fabs(q) <= 127.0F ? static_cast<std::byte>(static_cast<std::int8_t>(q)) : std::byte{0};
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      for (std::ptrdiff_t group = 0; group < 8; ++group) {
        std::memcpy(panel + 32 + 64 * group + 4 * r, rows[r] + 2 + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 8;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMins = false;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, Use use) noexcept {
    for (std::ptrdiff_t group = 0; group < 8; ++group) use(4 * group, Isa::load_quads(block + 32 + 64 * group));
  }

  template <class Isa>
  static typename Isa::Floats scales(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
};

}  // namespace covey
