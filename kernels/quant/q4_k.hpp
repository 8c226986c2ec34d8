// Q4_K: 256 weights of 4 bits, a 6-bit scale and a 6-bit minimum for each 32 of them, and a unit for each of these.
// w[i] = d * sc[i / 32] * q[i] - dmin * m[i / 32].
//
//   GGUF block, 144 bytes; four chunks c of 64 weights, weight l of the 32 in each half of a chunk:
//     | d: fp16 | dmin: fp16 | sc and m: 12 bytes, as in packed_scales.hpp | qs: 4 x 32 bytes |
//     qs[32 c + l] = q[64 c + 32 + l] << 4 | q[64 c + l]
//
//   Panel block of 16 rows, 2368 bytes: scales and minima have a byte each, and dmin the sign that spares the kernel a
//   subtraction.
//     | d of rows 0..15 (32 bytes) | -dmin of rows 0..15 (32 bytes) | pieces p = 0..7 of 32 weights, 288 bytes each:
//       | sc[p] of rows 0..15 | m[p] of rows 0..15 | q as nibbles of piece_bits.hpp (256 bytes) |
#pragma once

#include "kernels/half.hpp"
#include "kernels/quant/affine_block.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/packed_scales.hpp"
#include "kernels/quant/panel_scales.hpp"
#include "kernels/quant/piece_bits.hpp"

namespace covey {

struct Q4_K : PanelScales<256> {
  static constexpr TensorType kType = TensorType::q4_k;
  static constexpr ActivationKind kActivations = ActivationKind::wide_int8;
  static constexpr int kBlockElements = 256;
  static constexpr int kBlockBytes = 144;
  static constexpr int kPanelBlockBytes = 148;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      const float dmin = fp16_to_f32(load_u16(row + 2));
      const PackedScales packed = PackedScales::load(row + kScalesAt);
      for (int piece = 0; piece < 8; ++piece) {
        const float scale = d * static_cast<float>(packed.scales[piece]);
        const float min = dmin * static_cast<float>(packed.mins[piece]);
        for (int l = 0; l < 32; ++l) {
          const int both = std::to_integer<int>(row[kCodesAt + 32 * (piece / 2) + l]);
          out[32 * piece + l] = scale * static_cast<float>(both >> 4 * (piece % 2) & 15) - min;
        }
      }
    }
  }

  /// The search of affine_block.hpp.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const AffineBlock<8, 32, 15, 63> block(row);
      store_u16(block.d, out);
      store_u16(block.dmin, out + 2);
      PackedScales::store(block.scales, block.mins, out + kScalesAt);
      for (std::ptrdiff_t chunk = 0; chunk < 4; ++chunk) {
        const std::uint8_t* const q = block.q + 64 * chunk;
        for (int l = 0; l < 32; ++l) {
          out[kCodesAt + 32 * chunk + l] = static_cast<std::byte>(q[l + 32] << 4 | q[l]);
        }
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      pack_scales(rows[r], r, panel);
      for (int piece = 0; piece < PackedScales::kCount; ++piece) {
        std::byte* const to = panel + piece_at(piece);
        const std::byte* const codes = rows[r] + kCodesAt + std::ptrdiff_t{32} * (piece / 2);
        PieceCodes::of_bytes(codes, 4 * (piece % 2), 4).store_nibbles(to + kPieceCodesAt + 4 * r);
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kBits = 4;
  static constexpr int kOffset = 0;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* piece, Use use) noexcept {
    const std::byte* const codes = piece + kPieceCodesAt;
#pragma GCC unroll 8
    for (int quad = 0; quad < PieceCodes::kQuads; ++quad) use(4 * quad, nibbles_of<Isa>(codes, quad));
  }

 private:
  static constexpr int kScalesAt = 4;
  static constexpr int kCodesAt = 16;
};

}  // namespace covey
