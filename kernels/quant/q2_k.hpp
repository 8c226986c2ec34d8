// Q2_K: 256 weights of 2 bits, a 4-bit scale and a 4-bit minimum for each 16 of them, and a unit for each of these.
// w[i] = d * (sc[i / 16] & 15) * q[i] - dmin * (sc[i / 16] >> 4).
//
//   GGUF block, 84 bytes; two halves h of 128 weights, four pieces j of 32 in each, weight l of a piece:
//     | sc: 16 bytes | qs: 2 x 32 bytes | d: fp16 | dmin: fp16 |
//     qs[32 h + l] = q[j=3] << 6 | q[j=2] << 4 | q[j=1] << 2 | q[j=0]
//
//   Panel block of 16 rows, 1344 bytes; dmin has the sign that spares the kernel a subtraction:
//     | d of rows 0..15 (32 bytes) | -dmin of rows 0..15 (32 bytes) | pieces p = 0..7 of 32 weights, 160 bytes each:
//       | sc[2 p] of rows 0..15 | sc[2 p + 1] of rows 0..15 | q as pairs of piece_bits.hpp (128 bytes) |
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/affine_block.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/piece_bits.hpp"

namespace covey {

struct Q2_K {
  static constexpr TensorType kType = TensorType::q2_k;
  static constexpr ActivationKind kActivations = ActivationKind::wide_int8;
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
      store_u16(load_u16(rows[r] + kMinAt) ^ 0x8000U, panel + kPanelMinAt + 2 * r);
      for (int piece = 0; piece < 8; ++piece) {
        std::byte* const to = panel + piece_at(piece);
        to[r] = rows[r][2 * piece];
        to[16 + r] = rows[r][2 * piece + 1];
        const std::byte* const codes = rows[r] + kCodesAt + std::ptrdiff_t{32} * (piece / 4);
        PieceCodes::of_bytes(codes, 2 * (piece % 4), 2).store_pairs(to + kPieceQuadsAt + 4 * r);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kScaleColumns = 16;
  static constexpr int kBits = 2;
  static constexpr int kOffset = 0;
  static constexpr int kMinColumns = 16;

  /// Where a piece begins.
  static constexpr std::ptrdiff_t piece_at(std::ptrdiff_t piece) { return 64 + 160 * piece; }

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* piece, Use use) noexcept {
    const std::byte* const codes = piece + kPieceQuadsAt;
#pragma GCC unroll 8
    for (int quad = 0; quad < PieceCodes::kQuads; ++quad) use(4 * quad, pairs_of<Isa>(codes, quad, 0));
  }
  template <class Isa>
  static typename Isa::Floats units(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Floats min_units(const std::byte* block) noexcept {
    return Isa::load_f16(block + kPanelMinAt);
  }
  template <class Isa>
  static typename Isa::Ints scales(const std::byte* block, int piece, int half) noexcept {
    return Isa::load_bits(block + piece_at(piece) + std::ptrdiff_t{16} * half, 0, 4);
  }
  template <class Isa>
  static typename Isa::Pairs min_pairs(const std::byte* block, int piece) noexcept {
    return Isa::load_pairs(block + piece_at(piece), block + piece_at(piece) + 16, 4, 4);
  }

 private:
  static constexpr int kCodesAt = 16;
  static constexpr int kScaleAt = 80;
  static constexpr int kMinAt = 82;
  static constexpr int kPanelMinAt = 32;
  static constexpr int kPieceQuadsAt = 32;
};

}  // namespace covey
