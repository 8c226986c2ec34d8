// Q3_K: 256 weights of 3 bits, a 6-bit scale for each 16 of them, and a scale. w[i] = d * (s[i / 16] - 32) * (q[i] -
// 4).
//
//   GGUF block, 110 bytes; two halves h of 128 weights, four pieces j of 32 in each, weight l of a piece:
//     | hm: 32 bytes | qs: 2 x 32 bytes | sc: 12 bytes | d: fp16 |
//     qs[32 h + l] = q[j=3] << 6 | q[j=2] << 4 | q[j=1] << 2 | q[j=0]        (lower 2 bits of each)
//     bit 4 h + j of hm[l] = q >> 2
//     sc[k],     k in 0..7:  (s[k + 8] & 15) << 4 | (s[k] & 15)
//     sc[8 + k], k in 0..3:  s[k + 12] >> 4 << 6 | s[k + 8] >> 4 << 4 | s[k + 4] >> 4 << 2 | s[k] >> 4
//
//   Panel block of 16 rows, 1760 bytes:
//     | d of rows 0..15 (32 bytes) | sc[8] of rows 0..15 | … | sc[11] of rows 0..15 |
//     | pieces p = 0..7 of 32 weights, 208 bytes each:
//       | (s[2 p + 1] & 15) << 4 | (s[2 p] & 15) of rows 0..15 |
//       | q >> 2 as bits of piece_bits.hpp (64 bytes) | q & 3 as pairs (128 bytes) |
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/piece_bits.hpp"
#include "kernels/quant/scale_block.hpp"

namespace covey {

struct Q3_K {
  static constexpr TensorType kType = TensorType::q3_k;
  static constexpr ActivationKind kActivations = ActivationKind::wide_int8;
  static constexpr int kBlockElements = 256;
  static constexpr int kBlockBytes = 110;
  static constexpr int kPanelBlockBytes = kBlockBytes;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row + kScaleAt));
      for (int i = 0; i < kBlockElements; ++i) {
        const float scale = d * static_cast<float>(scale_of(row, i / 16));
        const int lower = std::to_integer<int>(row[kLowerAt + 32 * (i / 128) + i % 32]) >> 2 * (i / 32 % 4) & 3;
        const int upper = std::to_integer<int>(row[i % 32]) >> i / 32 & 1;
        out[i] = scale * static_cast<float>((upper << 2 | lower) - 4);
      }
    }
  }

  /// The search of scale_block.hpp.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const ScaleBlock<16, 16, IntegerCodes<-4, 3>, -32> block(row);
      std::memset(out, 0, kBlockBytes);
      store_u16(block.d, out + kScaleAt);
      for (int s = 0; s < 16; ++s) {
        const int scale = block.scales[s] + 32;
        out[kScalesAt + s % 8] |= static_cast<std::byte>((scale & 15) << 4 * (s / 8));
        out[kScalesAt + 8 + s % 4] |= static_cast<std::byte>(scale >> 4 << 2 * (s / 4));
      }
      for (int i = 0; i < kBlockElements; ++i) {
        const int q = block.v[i] + 4;
        out[i % 32] |= static_cast<std::byte>(q >> 2 << i / 32);
        out[kLowerAt + 32 * (i / 128) + i % 32] |= static_cast<std::byte>((q & 3) << 2 * (i / 32 % 4));
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r] + kScaleAt, 2);
      for (std::ptrdiff_t s = 0; s < 4; ++s) panel[kPanelScalesAt + 16 * s + r] = rows[r][kScalesAt + 8 + s];
      for (int piece = 0; piece < 8; ++piece) {
        std::byte* const to = panel + piece_at(piece);
        to[r] = static_cast<std::byte>(lower_scale(rows[r], 2 * piece + 1) << 4 | lower_scale(rows[r], 2 * piece));
        PieceCodes::of_bytes(rows[r], piece, 1).store_bits(to + kPieceUpperAt + 4 * r);
        const std::byte* const lower = rows[r] + kLowerAt + std::ptrdiff_t{32} * (piece / 4);
        PieceCodes::of_bytes(lower, 2 * (piece % 4), 2).store_pairs(to + kPieceLowerAt + 4 * r);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kScaleColumns = 16;
  static constexpr int kBits = 3;
  static constexpr int kOffset = 4;
  static constexpr int kMinColumns = 0;

  /// Where a piece begins.
  static constexpr std::ptrdiff_t piece_at(std::ptrdiff_t piece) { return 96 + 208 * piece; }

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* codes, Use use) noexcept {
#pragma GCC unroll 8
    for (int quad = 0; quad < PieceCodes::kQuads; ++quad) {
      use(4 * quad,
          Isa::either(pairs_of<Isa>(codes + kPieceLowerAt, quad, 0), bits_of<Isa>(codes + kPieceUpperAt, quad, 2)));
    }
  }
  template <class Isa>
  static typename Isa::Floats units(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Ints scales(const std::byte* block, int piece, int half) noexcept {
    using Ints = typename Isa::Ints;
    const int s = 2 * piece + half;
    const Ints lower = Isa::load_bits(block + piece_at(piece), 4 * half, 4);
    const Ints upper = Isa::load_bits(block + kPanelScalesAt + std::ptrdiff_t{16} * (s % 4), 2 * (s / 4), 2);
    return lower + (upper << 4) - Ints::splat(32);
  }

 private:
  static constexpr int kLowerAt = 32;
  static constexpr int kScalesAt = 96;
  static constexpr int kScaleAt = 108;
  static constexpr int kPanelScalesAt = 32;
  static constexpr int kPieceUpperAt = 16;
  static constexpr int kPieceLowerAt = 80;

  // Of a GGUF block: s & 15, and s - 32.
  static int lower_scale(const std::byte* block, int s) noexcept {
    return std::to_integer<int>(block[kScalesAt + s % 8]) >> 4 * (s / 8) & 15;
  }
  static int scale_of(const std::byte* block, int s) noexcept {
    const int upper = std::to_integer<int>(block[kScalesAt + 8 + s % 4]) >> 2 * (s / 4) & 3;
    return (upper << 4 | lower_scale(block, s)) - 32;
  }
};

}  // namespace covey
