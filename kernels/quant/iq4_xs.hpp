// IQ4_XS: 256 weights of 4 bits, which choose from a table, a 6-bit scale for each 32 of them, and a scale.
// w[i] = d * (s[i / 32] - 32) * kIq4Values[q[i]].
//
//   GGUF block, 136 bytes; eight pieces p of 32 weights:
//     | d: fp16 | sh: 16 bits | sl: 4 bytes | qs: 8 x 16 bytes |
//     s[p] = (sh >> 2 p & 3) << 4 | (sl[p / 2] >> 4 (p % 2) & 15)
//     qs[16 p + j] = q[32 p + j + 16] << 4 | q[32 p + j]
//
//   Panel block of 16 rows, 2208 bytes: scales have a byte each.
//     | d of rows 0..15 (32 bytes) | pieces p = 0..7, 272 bytes each:
//       | s[p] - 32 of rows 0..15, int8 | for each 4 bytes j = 4 g .. 4 g + 3 of the piece:
//         | row 0: qs[4g..4g+3] | row 1 | … | row 15 |   64 bytes: low nibbles columns 4g.., high 16+4g..
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/iq4_codes.hpp"
#include "kernels/quant/scale_block.hpp"

namespace covey {

struct IQ4_XS {
  static constexpr TensorType kType = TensorType::iq4_xs;
  static constexpr ActivationKind kActivations = ActivationKind::wide_int8;
  static constexpr int kBlockElements = 256;
  static constexpr int kBlockBytes = 136;
  static constexpr int kPanelBlockBytes = 138;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockBytes, out += kBlockElements) {
      const float d = fp16_to_f32(load_u16(row));
      for (int piece = 0; piece < 8; ++piece) {
        const float scale = d * static_cast<float>(scale_of(row, piece));
        const std::byte* const codes = row + kCodesAt + std::ptrdiff_t{16} * piece;
        for (int i = 0; i < 16; ++i) {
          const int b = std::to_integer<int>(codes[i]);
          out[32 * piece + i] = scale * static_cast<float>(kIq4Values[b & 15]);
          out[32 * piece + i + 16] = scale * static_cast<float>(kIq4Values[b >> 4]);
        }
      }
    }
  }

  /// The search of scale_block.hpp.
  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (; n > 0; n -= kBlockElements, row += kBlockElements, out += kBlockBytes) {
      const ScaleBlock<8, 32, Iq4Codes, -32> block(row);
      store_u16(block.d, out);
      int upper = 0;
      for (int piece = 0; piece < 8; ++piece) upper |= (block.scales[piece] + 32) >> 4 << 2 * piece;
      store_u16(static_cast<std::uint16_t>(upper), out + kUpperAt);
      for (std::ptrdiff_t pair = 0; pair < 4; ++pair) {
        const int low = (block.scales[2 * pair] + 32) & 15;
        const int high = (block.scales[2 * pair + 1] + 32) & 15;
        out[kLowerAt + pair] = static_cast<std::byte>(high << 4 | low);
      }
      for (std::ptrdiff_t at = 0; at < 128; ++at) {
        const std::int8_t* const v = block.v + 32 * (at / 16) + at % 16;
        out[kCodesAt + at] = static_cast<std::byte>(Iq4Codes::code_of(v[16]) << 4 | Iq4Codes::code_of(v[0]));
      }
    }
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) {
      std::memcpy(panel + 2 * r, rows[r], 2);
      for (int piece = 0; piece < 8; ++piece) {
        std::byte* const to = panel + piece_at(piece);
        to[r] = static_cast<std::byte>(scale_of(rows[r], piece));
        for (std::ptrdiff_t group = 0; group < 4; ++group) {
          std::memcpy(to + 16 + 64 * group + 4 * r, rows[r] + kCodesAt + 16 * piece + 4 * group, 4);
        }
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kScaleColumns = 32;
  static constexpr int kBits = 8;
  static constexpr int kOffset = 0;
  static constexpr int kMinColumns = 0;

  /// Where a piece begins.
  static constexpr std::ptrdiff_t piece_at(std::ptrdiff_t piece) { return 32 + 272 * piece; }

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* piece, Use use) noexcept {
    const std::byte* const quads = piece + 16;
#pragma GCC unroll 4
    for (std::ptrdiff_t group = 0; group < 4; ++group) {
      const auto bytes = Isa::load_quads(quads + 64 * group);
      use(4 * group, Isa::lookup(Isa::field(bytes, 0, 4, 0), kIq4Values));
      use(4 * group + 16, Isa::lookup(Isa::field(bytes, 4, 4, 0), kIq4Values));
    }
  }
  template <class Isa>
  static typename Isa::Floats units(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Ints scales(const std::byte* block, int piece, int /*part*/) noexcept {
    return Isa::load_i8(block + piece_at(piece));
  }

 private:
  static constexpr int kUpperAt = 2;
  static constexpr int kLowerAt = 4;
  static constexpr int kCodesAt = 8;

  /// Of a GGUF block: -32..31.
  static int scale_of(const std::byte* block, int piece) noexcept {
    const int lower = std::to_integer<int>(block[kLowerAt + piece / 2]) >> 4 * (piece % 2) & 15;
    const int upper = load_u16(block + kUpperAt) >> 2 * piece & 3;
    return (upper << 4 | lower) - 32;
  }
};

}  // namespace covey
