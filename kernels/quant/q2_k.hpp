// Q2_K: 256 weights of 2 bits, a 4-bit scale and a 4-bit minimum for each 16 of them, and a unit for each of these.
// w[i] = d * (sc[i / 16] & 15) * q[i] - dmin * (sc[i / 16] >> 4).
//
//   GGUF block, 84 bytes; two halves h of 128 weights, four pieces j of 32 in each, weight l of a piece:
//     | sc: 16 bytes | qs: 2 x 32 bytes | d: fp16 | dmin: fp16 |
//     qs[32 h + l] = q[j=3] << 6 | q[j=2] << 4 | q[j=1] << 2 | q[j=0]
//
//   Panel block of 16 rows, 1344 bytes: the same bytes, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) | dmin of rows 0..15 (32 bytes) |
//     | sc[0] of rows 0..15 | sc[1] of rows 0..15 | … | sc[15] of rows 0..15 |   256 bytes
//     then for each half, for each 4 weights l = 4 g .. 4 g + 3:
//     | row 0: qs[4g..4g+3] | row 1 | … | row 15 |   64 bytes
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/affine_block.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

struct Q2_K {
  static constexpr TensorType kType = TensorType::q2_k;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
  static constexpr int kBlockElements = 256;
  static constexpr int kBlockBytes = 84;
  static constexpr int kPanelBlockBytes = kBlockBytes;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row + kScaleAt));
      const float dmin = fp16_to_f32(load_u16(row + kMinAt));
      for (int i = 0; i < kBlockElements; ++i) {
        const int both = std::to_integer<int>(row[i / 16]);
        const float scale = d * static_cast<float>(both & 15);
        const float min = dmin * static_cast<float>(both >> 4);
        const int four = std::to_integer<int>(row[kCodesAt + 32 * (i / 128) + i % 32]);
        out[i] = scale * static_cast<float>(four >> 2 * (i / 32 % 4) & 3) - min;
      }
    }
  }

  /// The search of affine_block.hpp.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const AffineBlock<16, 16, 3, 15> block(row);
      store_u16(block.d, out + kScaleAt);
      store_u16(block.dmin, out + kMinAt);
      for (int s = 0; s < 16; ++s) out[s] = static_cast<std::byte>(block.mins[s] << 4 | block.scales[s]);
      for (std::ptrdiff_t at = 0; at < 64; ++at) {
        const std::uint8_t* const q = block.q + 128 * (at / 32) + at % 32;
        out[kCodesAt + at] = static_cast<std::byte>(q[96] << 6 | q[64] << 4 | q[32] << 2 | q[0]);
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r] + kScaleAt, 2);
      std::memcpy(panel + kPanelMinAt + 2 * r, rows[r] + kMinAt, 2);
      for (std::ptrdiff_t s = 0; s < 16; ++s) panel[kPanelScalesAt + 16 * s + r] = rows[r][s];
      for (std::ptrdiff_t group = 0; group < 16; ++group) {
        std::memcpy(panel + kQuadsAt + 64 * group + 4 * r, rows[r] + kCodesAt + 4 * group, 4);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kScaleColumns = 16;
  static constexpr int kBits = 2;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMins = true;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, int piece, Use use) noexcept {
    const std::byte* const quads = block + kQuadsAt + std::ptrdiff_t{512} * (piece / 4);
#pragma GCC unroll 8
    for (std::ptrdiff_t group = 0; group < 8; ++group) {
      use(4 * group, Isa::field(Isa::load_quads(quads + 64 * group), 2 * (piece % 4), 2, 0));
    }
  }
  template <class Isa>
  static typename Isa::Floats scales(const std::byte* block, int /*piece*/) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Floats mins(const std::byte* block, int /*piece*/) noexcept {
    return Isa::load_f16(block + kPanelMinAt);
  }
  template <class Isa>
  static typename Isa::Floats half_scales(const std::byte* block, int piece, int half) noexcept {
    return Isa::load_bits(block + kPanelScalesAt + std::ptrdiff_t{16} * (2 * piece + half), 0, 4);
  }
  template <class Isa>
  static typename Isa::Floats half_mins(const std::byte* block, int piece, int half) noexcept {
    return Isa::load_bits(block + kPanelScalesAt + std::ptrdiff_t{16} * (2 * piece + half), 4, 4);
  }

 private:
  static constexpr int kCodesAt = 16;
  static constexpr int kScaleAt = 80;
  static constexpr int kMinAt = 82;
  static constexpr int kPanelMinAt = 32;
  static constexpr int kPanelScalesAt = 64;
  static constexpr int kQuadsAt = 320;
};

}  // namespace covey
