// How panels hold the codes of a piece: 32 weights of a row, as 8 quads of 4 columns. A kernel wants a quad of each of
// the 16 rows in one load, and as few loads as there are bytes. So quads lie upon each other:
//
//   nibbles   4 x 64 bytes   byte k of quad n:  q[8 n + 4 + k] << 4 | q[8 n + k]
//   pairs     2 x 64 bytes   byte k of quad n:  q[16 n + 12 + k] << 6 | … | q[16 n + 4 + k] << 2 | q[16 n + k]
//   bits          64 bytes   byte k:            q[28 + k] << 7 | … | q[4 + k] << 1 | q[k]
//
// where 64 bytes hold | row 0: bytes 0..3 | row 1: bytes 0..3 | … | row 15: bytes 0..3 |.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/quant/formats.hpp"

namespace covey {

/// A row's 32 codes, 4 of them in the bytes of a word.
struct PieceCodes {
  static constexpr int kQuads = 8;
  std::uint32_t quads[kQuads];

  /// Bits first .. first + width of each of 32 bytes.
  static PieceCodes of_bytes(const std::byte* bytes, int first, int width) noexcept {
    const std::uint32_t mask = 0x01010101U * ((1U << width) - 1U);
    PieceCodes codes;
    std::memcpy(codes.quads, bytes, sizeof(codes.quads));
    for (std::uint32_t& quad : codes.quads) quad = quad >> first & mask;
    return codes;
  }

  /// As nibbles, pairs or bits, to this row's place in the first quad.
  void store_nibbles(std::byte* to) const noexcept { store<4>(to); }
  void store_pairs(std::byte* to) const noexcept { store<2>(to); }
  void store_bits(std::byte* to) const noexcept { store<1>(to); }

 private:
  template <int Width>
  void store(std::byte* to) const noexcept {
    constexpr int kInByte = 8 / Width;
    for (int first = 0; first < kQuads; first += kInByte, to += std::ptrdiff_t{4} * kPanelRows) {
      std::uint32_t word = 0;
      for (int i = 0; i < kInByte; ++i) word |= quads[first + i] << Width * i;
      std::memcpy(to, &word, sizeof(word));
    }
  }
};

/// Quad `quad` (0..7) of what lies at `at`, in bits to .. to + Width of each byte.
template <class Isa, int Width>
[[gnu::always_inline]] static inline typename Isa::Quads quad_of(const std::byte* at, int quad, int to) noexcept {
  constexpr int kInByte = 8 / Width;
  return Isa::field(Isa::load_quads(at + std::ptrdiff_t{4} * kPanelRows * (quad / kInByte)), Width * (quad % kInByte),
                    Width, to);
}
template <class Isa>
[[gnu::always_inline]] static inline typename Isa::Quads nibbles_of(const std::byte* at, int quad) noexcept {
  return quad_of<Isa, 4>(at, quad, 0);
}
template <class Isa>
[[gnu::always_inline]] static inline typename Isa::Quads pairs_of(const std::byte* at, int quad, int to) noexcept {
  return quad_of<Isa, 2>(at, quad, to);
}
template <class Isa>
[[gnu::always_inline]] static inline typename Isa::Quads bits_of(const std::byte* at, int quad, int to) noexcept {
  return quad_of<Isa, 1>(at, quad, to);
}

}  // namespace covey
