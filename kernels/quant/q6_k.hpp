// Q6_K: 256 weights of 6 bits, an 8-bit scale for each 16 of them, and a scale. w[i] = d * sc[i / 16] * (q[i] - 32).
//
//   GGUF block, 210 bytes; two halves h of 128 weights, four pieces j of 32 in each, weight l of a piece:
//     | ql: 2 x 64 bytes | qh: 2 x 32 bytes | sc: 16 x int8 | d: fp16 |
//     ql[64 h +      l] = q[j=2] << 4 | q[j=0]        (lower 4 bits of each)
//     ql[64 h + 32 + l] = q[j=3] << 4 | q[j=1]
//     qh[32 h +      l] = q[j=3] << 6 | q[j=2] << 4 | q[j=1] << 2 | q[j=0]        (upper 2 bits of each)
//
//   Panel block of 16 rows, 3360 bytes:
//     | d of rows 0..15 (32 bytes) | pieces p = 0..7 of 32 weights, 416 bytes each:
//       | sc[2 p] of rows 0..15 | sc[2 p + 1] of rows 0..15 |
//       | q >> 4 as pairs of piece_bits.hpp (128 bytes) | q & 15 as nibbles (256 bytes) |
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/piece_bits.hpp"
#include "kernels/quant/scale_block.hpp"

namespace covey {

struct Q6_K {
  static constexpr TensorType kType = TensorType::q6_k;
  static constexpr ActivationKind kActivations = ActivationKind::wide_int8;
  static constexpr int kBlockElements = 256;
  static constexpr int kBlockBytes = 210;
  static constexpr int kPanelBlockBytes = 210;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row + kScaleAt));
      for (int i = 0; i < kBlockElements; ++i) {
        const float scale = d * static_cast<float>(static_cast<std::int8_t>(row[kScalesAt + i / 16]));
        out[i] = scale * static_cast<float>(stored(row, i) - 32);
      }
    }
  }

  /// The search of scale_block.hpp.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const ScaleBlock<16, 16, IntegerCodes<-32, 31>, -128> block(row);
      std::memset(out, 0, kBlockBytes);
      store_u16(block.d, out + kScaleAt);
      for (int s = 0; s < 16; ++s) out[kScalesAt + s] = static_cast<std::byte>(block.scales[s]);
      for (int i = 0; i < kBlockElements; ++i) store(out, i, block.v[i] + 32);
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r] + kScaleAt, 2);
      for (int piece = 0; piece < 8; ++piece) {
        std::byte* const to = panel + piece_at(piece);
        to[r] = rows[r][kScalesAt + 2 * piece];
        to[16 + r] = rows[r][kScalesAt + 2 * piece + 1];
        const Bits at = bits_at(32 * piece);
        PieceCodes::of_bytes(rows[r] + at.upper, at.upper_shift, 2).store_pairs(to + kPieceUpperAt + 4 * r);
        PieceCodes::of_bytes(rows[r] + at.lower, at.lower_shift, 4).store_nibbles(to + kPieceLowerAt + 4 * r);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kScaleColumns = 16;
  static constexpr int kBits = 6;
  static constexpr int kOffset = 32;
  static constexpr int kMinColumns = 0;

  /// Where a piece begins.
  static constexpr std::ptrdiff_t piece_at(std::ptrdiff_t piece) { return 32 + 416 * piece; }

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* codes, Use use) noexcept {
#pragma GCC unroll 8
    for (int quad = 0; quad < PieceCodes::kQuads; ++quad) {
      use(4 * quad,
          Isa::either(nibbles_of<Isa>(codes + kPieceLowerAt, quad), pairs_of<Isa>(codes + kPieceUpperAt, quad, 4)));
    }
  }

  template <class Isa>
  static typename Isa::Floats units(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Ints scales(const std::byte* block, int piece, int half) noexcept {
    return Isa::load_i8(block + piece_at(piece) + std::ptrdiff_t{16} * half);
  }

 private:
  static constexpr int kUpperAt = 128;
  static constexpr int kScalesAt = 192;
  static constexpr int kScaleAt = 208;

  static constexpr int kPieceUpperAt = 32;
  static constexpr int kPieceLowerAt = 160;

  /// Where weight i has its bits: byte of the lower four, byte of the upper two, and how far up they lie.
  struct Bits {
    int lower, lower_shift, upper, upper_shift;
  };
  static constexpr Bits bits_at(int i) {
    const int half = i / 128;
    const int piece = i / 32 % 4;
    const int l = i % 32;
    return {64 * half + 32 * (piece % 2) + l, 4 * (piece / 2), kUpperAt + 32 * half + l, 2 * piece};
  }
  static int stored(const std::byte* block, int i) noexcept {
    const Bits at = bits_at(i);
    const int lower = (std::to_integer<int>(block[at.lower]) >> at.lower_shift) & 15;
    return lower | ((std::to_integer<int>(block[at.upper]) >> at.upper_shift) & 3) << 4;
  }
  static void store(std::byte* block, int i, int value) noexcept {
    const Bits at = bits_at(i);
    block[at.lower] |= static_cast<std::byte>((value & 15) << at.lower_shift);
    block[at.upper] |= static_cast<std::byte>((value >> 4) << at.upper_shift);
  }
};

}  // namespace covey
