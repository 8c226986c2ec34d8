// IQ4_NL: 32 weights of 4 bits, which choose from a table, and a scale. w[i] = d * kIq4Values[q[i]].
//
//   GGUF block, 18 bytes:
//     | d: fp16 | b0 | b1 | … | b15 |                 bj = q[j+16] << 4 | q[j]
//
//   Panel block of 16 rows, 288 bytes: the same bytes, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) |
//     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | … | row 15 |     64 bytes: low nibbles columns 0..3, high 16..19
//     | row 0: b4 b5 b6 b7 | …                                     low nibbles columns 4..7, high 20..23
//       …                                                          4 groups in all
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/iq4_codes.hpp"
#include "kernels/quant/scale_fit.hpp"

namespace covey {

struct IQ4_NL {
  static constexpr TensorType kType = TensorType::iq4_nl;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 32;
  static constexpr int kBlockBytes = 18;
  static constexpr int kPanelBlockBytes = kBlockBytes;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      for (int i = 0; i < 16; ++i) {
        const int b = std::to_integer<int>(row[2 + i]);
        out[i] = d * static_cast<float>(kIq4Values[b & 15]);
        out[i + 16] = d * static_cast<float>(kIq4Values[b >> 4]);
      }
    }
  }

  /// The scale by the search of scale_fit.hpp; then the nearest values, with the scale as rounded to fp16.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      float weights[kBlockElements];
      for (int i = 0; i < kBlockElements; ++i) weights[i] = bounded(row[i]);
      const std::uint16_t half = f32_to_fp16(ScaleSearch<kBlockElements, Iq4Codes>::best_fit(weights));
      store_u16(half, out);
      const float d = fp16_to_f32(half);
      const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
      for (int i = 0; i < 16; ++i) {
        const int low = Iq4Codes::code_of(weights[i] * inverse);
        const int high = Iq4Codes::code_of(weights[i + 16] * inverse);
        out[2 + i] = static_cast<std::byte>(high << 4 | low);
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      for (std::ptrdiff_t group = 0; group < 4; ++group) {
        std::memcpy(panel + kQuadsAt + 64 * group + 4 * r, rows[r] + 2 + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 8;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMins = false;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, Use use) noexcept {
#pragma GCC unroll 4
    for (std::ptrdiff_t group = 0; group < 4; ++group) {
      const auto bytes = Isa::load_quads(block + kQuadsAt + 64 * group);
      use(4 * group, Isa::lookup(Isa::field(bytes, 0, 4, 0), kIq4Values));
      use(4 * group + 16, Isa::lookup(Isa::field(bytes, 4, 4, 0), kIq4Values));
    }
  }
  template <class Isa>
  static typename Isa::Floats scales(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }

 private:
  static constexpr int kQuadsAt = 32;
};

}  // namespace covey
