// How panels of formats with a scale and a minimum for each 32 weights, in units of two fp16 numbers, hold these.
// Minima's units have the sign that spares the kernel a subtraction.
//
//   | d of rows 0..15 (32 bytes) | -dmin of rows 0..15 (32 bytes) | pieces p = 0..7 of 32 weights:
//     | scales[p] of rows 0..15 | mins[p] of rows 0..15 | the format's codes |
#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "kernels/quant/packed_scales.hpp"

namespace covey {

/// What such formats have in common. `CodeBytes`: of a piece's codes in a panel.
template <int CodeBytes>
struct PanelScales {
  static constexpr int kScaleColumns = 32;
  static constexpr int kMinColumns = 32;

  /// Where a piece begins.
  static constexpr std::ptrdiff_t piece_at(std::ptrdiff_t piece) { return 64 + (kPieceCodesAt + CodeBytes) * piece; }

  template <class Isa>
  static typename Isa::Floats units(const std::byte* block) noexcept {
    return Isa::load_f16(block);
  }
  template <class Isa>
  static typename Isa::Floats min_units(const std::byte* block) noexcept {
    return Isa::load_f16(block + kMinAt);
  }
  template <class Isa>
  static typename Isa::Ints scales(const std::byte* block, int piece, int /*part*/) noexcept {
    return Isa::load_u8(block + piece_at(piece));
  }
  template <class Isa>
  static typename Isa::Pairs min_pairs(const std::byte* block, int pair) noexcept {
    return Isa::load_pairs(block + piece_at(2 * pair) + kPieceMinsAt, block + piece_at(2 * pair + 1) + kPieceMinsAt, 0,
                           8);
  }

 protected:
  static constexpr int kPieceCodesAt = 32;

  /// Those of row r, from its GGUF block: | d: fp16 | dmin: fp16 | packed scales and minima |.
  static void pack_scales(const std::byte* row, std::ptrdiff_t r, std::byte* panel) noexcept {
    std::memcpy(panel + 2 * r, row, 2);
    store_u16(load_u16(row + 2) ^ 0x8000U, panel + kMinAt + 2 * r);
    const PackedScales packed = PackedScales::load(row + 4);
    for (int piece = 0; piece < PackedScales::kCount; ++piece) {
      std::byte* const to = panel + piece_at(piece);
      to[r] = std::byte{packed.scales[piece]};
      to[kPieceMinsAt + r] = std::byte{packed.mins[piece]};
    }
  }

 private:
  static constexpr int kMinAt = 32;
  static constexpr int kPieceMinsAt = 16;
};

}  // namespace covey
