// What becomes of the integers that a block's weights and activations add up to: how they meet scales and minima, and
// join the output's sum of floats. Every kernel does the same operations on floats in the same order, so a token's bits
// depend neither on the tokens beside it nor on the instruction set.
//
// Of blocks of 32 columns each has scales of its own:   sum += scale * in.scale * (exact integer)
//
// Of blocks of 256, activations have one scale, and weights integers for scales, with a common unit. So
//
//   sum += in.scale * (unit * I - unit_min * M)
//   I = Σ scale[p] * (w . q of piece p)
//   M = Σ min[p] * (Σ q of piece p)
//
// where I and M are exact integers, in whatever way they are added up: scales may as well be multiplied into weights.
// The largest I is 256 * 127 * 32 * 128 (Q6_K), below 2^31.
#pragma once

#include <bit>
#include <cstddef>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/cpu/row_lanes.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

inline constexpr int kQuadsPerPiece = kActivationBlock / 4;

/// Formats with blocks of 32 columns that agree in these share their arithmetic.
template <class Isa, class TileLanes, class DotProduct, int Offset, bool HasMins>
struct BlockArithmetic {
  using Lanes = TileLanes;
  using Floats = typename Lanes::Floats;
  using Dot = DotProduct;
  using Sum = Floats;  // what the integers of a piece are added to

  static constexpr bool kWide = false;
  static constexpr int kPieces = 1;  // of 32 columns
  static constexpr int kParts = 1;   // of a piece: columns that share a scale
  static constexpr std::ptrdiff_t kToken = sizeof(ActivationBlock);
  static constexpr int kOffset = Offset + Dot::kOffset;
  static_assert(kOffset == 0 || std::has_single_bit(static_cast<unsigned>(kOffset)));

  /// The floats of a piece, one a lane each; what the format does not have is not set, and not read.
  struct Terms {
    Floats scale, min;

    template <class Format>
    [[gnu::always_inline]] void read(const std::byte* block, int) {
      scale = Lanes::of_rows(Format::template scales<Isa>(block));
      if constexpr (HasMins) min = Lanes::of_rows(Format::template mins<Isa>(block));
    }
  };
  /// Of a block: nothing beside.
  struct BlockTerms {
    template <class Format>
    [[gnu::always_inline]] void read(const std::byte*) {}
  };

  /// Where a block of activations, an ActivationBlock, has those of a piece, and the sums that start() reads.
  [[gnu::always_inline]] static const std::int8_t* values(const std::byte* block, int) {
    return reinterpret_cast<const std::int8_t*>(block + kValuesAt);
  }
  [[gnu::always_inline]] static const std::byte* sums(const std::byte* block, int) { return block + kSumAt; }

  /// Integer sums that take the weights' offset back.
  [[gnu::always_inline]] static typename Dot::Sums start(const std::byte* sums, int) {
    if constexpr (kOffset == 0) {
      return Dot::start();
    } else {
      return Dot::start(reinterpret_cast<const std::int32_t*>(sums), std::countr_zero(static_cast<unsigned>(kOffset)));
    }
  }

  /// `sum` and what integers, exact as floats, contribute to it. `next`: bytes to the block of the next token, where
  /// lanes belong to two.
  [[gnu::always_inline]] static Floats joined(const std::byte* block, std::ptrdiff_t next, const Floats& integers,
                                              const Terms& terms, const Floats& sum) {
    const Floats result = Isa::fma(integers, terms.scale * Lanes::of_float(block + kScaleAt, next), sum);
    if constexpr (!HasMins) return result;
    return Isa::fma(terms.min, Lanes::of_float(block + kScaledSumAt, next), result);
  }
  [[gnu::always_inline]] static Sum added(const std::byte* block, std::ptrdiff_t next, int,
                                          const typename Dot::Sums& dots, const Terms& terms, const Sum& sum) {
    return joined(block, next, Lanes::to_floats(Dot::integers(dots)), terms, sum);
  }

 private:
  static constexpr std::size_t kScaleAt = offsetof(ActivationBlock, scale);
  static constexpr std::size_t kScaledSumAt = offsetof(ActivationBlock, scaled_sum);
  static constexpr std::size_t kSumAt = offsetof(ActivationBlock, negative_sum);
  static constexpr std::size_t kValuesAt = offsetof(ActivationBlock, q);
};

/// The same of blocks of 256 columns. `ScaleColumns`: those that share a scale, 32 or 16; `MinColumns`: a minimum, or
/// 0.
template <class Isa, class TileLanes, class DotProduct, int Offset, int ScaleColumns, int MinColumns>
struct WideArithmetic {
  using Lanes = TileLanes;
  using Floats = typename Lanes::Floats;
  using Dot = DotProduct;
  using Sum = typename Lanes::Ints;
  using Rows = typename Isa::Floats;

  static constexpr bool kWide = true;
  static constexpr int kPieces = WideActivationBlock::kPieces;
  static constexpr int kParts = kActivationBlock / ScaleColumns;
  static constexpr std::ptrdiff_t kToken = sizeof(WideActivationBlock);
  static constexpr int kOffset = Offset + Dot::kOffset;
  static constexpr int kMinPairs = MinColumns == 0 ? 0 : kWideActivationBlock / MinColumns / 2;
  static_assert(kParts == 1 || kParts == 2);
  static_assert(kOffset == 0 || std::has_single_bit(static_cast<unsigned>(kOffset)));

  /// The scales of a piece's parts.
  struct Terms {
    Sum scale[kParts];

    template <class Format>
    [[gnu::always_inline]] void read(const std::byte* block, int piece) {
      for (int part = 0; part < kParts; ++part) {
        scale[part] = Lanes::of_rows(Format::template scales<Isa>(block, piece, part));
      }
    }
  };
  /// What a block's integers are multiplied by in the end; mins of two neighbours lie side by side.
  struct BlockTerms {
    Floats unit, unit_min;
    typename Isa::Pairs mins[kMinPairs > 0 ? kMinPairs : 1];

    template <class Format>
    [[gnu::always_inline]] void read(const std::byte* block) {
      unit = Lanes::of_rows(Format::template units<Isa>(block));
      if constexpr (kMinPairs > 0) {
        unit_min = Lanes::of_rows(Format::template min_units<Isa>(block));
        unrolled<kMinPairs>([&](auto i) __attribute__((always_inline)) {
          mins[i] = Format::template min_pairs<Isa>(block, i);
        });
      }
    }
  };

  /// As above, of a WideActivationBlock.
  [[gnu::always_inline]] static const std::int8_t* values(const std::byte* block, int piece) {
    return reinterpret_cast<const std::int8_t*>(block) + std::ptrdiff_t{kActivationBlock} * piece;
  }
  [[gnu::always_inline]] static const std::byte* sums(const std::byte* block, int piece) {
    return block + kSumsAt + std::ptrdiff_t{sizeof(std::int32_t)} * piece;
  }
  [[gnu::always_inline]] static typename Dot::Sums start(const std::byte* sums, int part) {
    if constexpr (kOffset == 0) {
      return Dot::start();
    } else {
      constexpr int kShift = std::countr_zero(static_cast<unsigned>(kOffset));
      const auto* const sum = reinterpret_cast<const std::int32_t*>(sums);
      const auto* const first_sum = reinterpret_cast<const std::int32_t*>(sums + kFirstSumsAt - kSumsAt);
      if constexpr (kParts == 1) return Dot::start(sum, kShift);
      return part == 0 ? Dot::start(first_sum, kShift) : Dot::start(sum, first_sum, kShift);
    }
  }

  [[gnu::always_inline]] static Sum added(const std::byte*, std::ptrdiff_t, int part, const typename Dot::Sums& dots,
                                          const Terms& terms, const Sum& sum) {
    return sum + Dot::integers(dots) * terms.scale[part];
  }

  /// `sum` and what a block's integers contribute to it.
  [[gnu::always_inline]] static Floats joined(const std::byte* block, std::ptrdiff_t next, const Sum& integers,
                                              const BlockTerms& terms, const Floats& sum) {
    Floats value = Lanes::to_floats(integers) * terms.unit;
    if constexpr (kMinPairs > 0) {
      Rows minima[Lanes::kTokens];
      unrolled<Lanes::kTokens>([&](auto t)
                                   __attribute__((always_inline)) { minima[t] = minima_of(block + next * t, terms); });
      value = Isa::fma(Lanes::from_rows(minima), terms.unit_min, value);
    }
    return Isa::fma(value, Lanes::of_float(block + kScaleAt, next), sum);
  }

 private:
  static constexpr std::size_t kScaleAt = offsetof(WideActivationBlock, scale);
  static constexpr std::size_t kSumsAt = offsetof(WideActivationBlock, negative_sums);
  static constexpr std::size_t kFirstSumsAt = offsetof(WideActivationBlock, negative_first_sums);
  static constexpr std::size_t kMinSumsAt =
      MinColumns == kActivationBlock ? offsetof(WideActivationBlock, sums) : offsetof(WideActivationBlock, half_sums);
  static_assert(offsetof(WideActivationBlock, q) == 0);

  /// As floats: a conversion less, and conversions are what is slow beside AMX's instructions.
  [[gnu::always_inline]] static Rows minima_of(const std::byte* block, const BlockTerms& terms) {
    const auto* const sums = reinterpret_cast<const std::int16_t*>(block + kMinSumsAt);
    // Below 2^22 either way: added to the bits of 1.5 * 2^23, they count units.
    constexpr float kMiddle = 0x1.8p23F;
    const auto middle = Isa::Ints::splat(std::bit_cast<std::int32_t>(kMiddle));
    return bits_as<Rows>(Isa::add_pair_products(middle, terms.mins, sums)) - Rows::splat(kMiddle);
  }
};

/// Where a panel's block has a piece.
template <class Format>
[[gnu::always_inline]] inline const std::byte* piece_of(const std::byte* block, int piece) {
  if constexpr (Format::kActivations == ActivationKind::wide_int8) return block + Format::piece_at(piece);
  return block;
}

template <class Isa, class Format, class Lanes, class Dot, ActivationKind = Format::kActivations>
struct ArithmeticFor {
  using Type = BlockArithmetic<Isa, Lanes, Dot, Format::kOffset, Format::kHasMins>;
};
template <class Isa, class Format, class Lanes, class Dot>
struct ArithmeticFor<Isa, Format, Lanes, Dot, ActivationKind::wide_int8> {
  using Type = WideArithmetic<Isa, Lanes, Dot, Format::kOffset, Format::kScaleColumns, Format::kMinColumns>;
};

template <class Isa, class Format>
using ArithmeticInRegisters =
    typename ArithmeticFor<Isa, Format, RowLanes<Isa>, typename Isa::template Dot<Format::kBits>>::Type;
template <class Isa, class Format>
using ArithmeticOfTiles = typename ArithmeticFor<Isa, Format, typename Isa::TileLanes,
                                                 typename Isa::template TileDot<Format::kBits, Format::kOffset>>::Type;

}  // namespace covey
