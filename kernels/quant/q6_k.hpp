// Q6_K: 256 weights of 6 bits, an 8-bit scale for each 16 of them, and a scale. w[i] = d * sc[i / 16] * (q[i] - 32).
//
//   GGUF block, 210 bytes; two halves h of 128 weights, four pieces j of 32 in each, weight l of a piece:
//     | ql: 2 x 64 bytes | qh: 2 x 32 bytes | sc: 16 x int8 | d: fp16 |
//     ql[64 h +      l] = q[j=2] << 4 | q[j=0]        (lower 4 bits of each)
//     ql[64 h + 32 + l] = q[j=3] << 4 | q[j=1]
//     qh[32 h +      l] = q[j=3] << 6 | q[j=2] << 4 | q[j=1] << 2 | q[j=0]        (upper 2 bits of each)
//
//   Panel block of 16 rows, 3360 bytes: the same bytes, in the order in which SIMD lanes want them.
//     | d of rows 0..15 (32 bytes) | sc[0] of rows 0..15 | sc[1] of rows 0..15 | … (256 bytes) |
//     then for each half, for each 4 weights l = 4 g .. 4 g + 3:
//     | row 0: ql[4g..4g+3] | … | row 15 | row 0: ql[32+4g..] | … | row 15 | row 0: qh[4g..] | … | row 15 |   192 bytes
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/scale_block.hpp"

namespace covey {

struct Q6_K {
  static constexpr TensorType kType = TensorType::q6_k;
  static constexpr ActivationKind kActivations = ActivationKind::int8;
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
      for (std::ptrdiff_t s = 0; s < 16; ++s) panel[32 + 16 * s + r] = rows[r][kScalesAt + s];
      for (std::ptrdiff_t half = 0; half < 2; ++half) {
        for (std::ptrdiff_t group = 0; group < 8; ++group) {
          std::byte* const to = panel + quads_at(half, group) + 4 * r;
          std::memcpy(to, rows[r] + 64 * half + 4 * group, 4);
          std::memcpy(to + 64, rows[r] + 64 * half + 32 + 4 * group, 4);
          std::memcpy(to + 128, rows[r] + kUpperAt + 32 * half + 4 * group, 4);
        }
      }
    }
  }

  // -- The kernel's view of a panel block -----------------------------------------------------------------------------

  static constexpr int kScaleColumns = 16;
  static constexpr int kBits = 6;
  static constexpr int kOffset = 32;
  static constexpr bool kHasMins = false;

  template <class Isa, class Use>
  [[gnu::always_inline]] static void for_each_quad(const std::byte* block, int piece, Use use) noexcept {
    const int j = piece % 4;
#pragma GCC unroll 8
    for (int group = 0; group < 8; ++group) {
      const std::byte* at = block + quads_at(piece / 4, group);
      const auto lower = Isa::field(Isa::load_quads(at + std::ptrdiff_t{64} * (j % 2)), 4 * (j / 2), 4, 0);
      use(4 * group, Isa::either(lower, Isa::field(Isa::load_quads(at + 128), 2 * j, 2, 4)));
    }
  }

  template <class Isa>
  static typename Isa::Floats scales(const std::byte* block, int) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Floats half_scales(const std::byte* block, int piece, int half) noexcept {
    return Isa::load_i8(block + 32 + std::ptrdiff_t{16} * (2 * piece + half));
  }

 private:
  static constexpr int kUpperAt = 128;
  static constexpr int kScalesAt = 192;
  static constexpr int kScaleAt = 208;

  static constexpr std::ptrdiff_t quads_at(std::ptrdiff_t half, std::ptrdiff_t group) {
    return 288 + 192 * (8 * half + group);
  }

  /// Where weight i has its bits: byte of the lower four, byte of the upper two, and how far up they lie.
  struct Bits {
    int lower, lower_shift, upper, upper_shift;
  };
  static constexpr Bits bits_of(int i) {
    const int half = i / 128;
    const int piece = i / 32 % 4;
    const int l = i % 32;
    return {64 * half + 32 * (piece % 2) + l, 4 * (piece / 2), kUpperAt + 32 * half + l, 2 * piece};
  }
  static int stored(const std::byte* block, int i) noexcept {
    const Bits at = bits_of(i);
    const int lower = (std::to_integer<int>(block[at.lower]) >> at.lower_shift) & 15;
    return lower | ((std::to_integer<int>(block[at.upper]) >> at.upper_shift) & 3) << 4;
  }
  static void store(std::byte* block, int i, int value) noexcept {
    const Bits at = bits_of(i);
    block[at.lower] |= static_cast<std::byte>((value & 15) << at.lower_shift);
    block[at.upper] |= static_cast<std::byte>((value >> 4) << at.upper_shift);
  }
};

}  // namespace covey
