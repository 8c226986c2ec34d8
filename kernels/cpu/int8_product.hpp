// The product of a panel of 16 rows of quantized weights with int8 activations: lanes are rows.
//
// Integer sums over the columns that share a scale are exact. Per piece of 32 columns, they are then multiplied by the
// scales of weights and activations and added to the output, in the order of columns. For few tokens a piece is
// unpacked in registers; for many it is unpacked once to the L1 cache, where tile after tile of tokens reads it. Both
// do the same operations on floats in the same order, so a token's bits don't depend on the tokens beside it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/cpu/row_lanes.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

inline constexpr int kQuadsPerPiece = kActivationBlock / 4;

/// What the arithmetic of a piece needs to know of a format: formats that agree share it.
template <class Isa, class TileLanes, class DotProduct, int Offset, int ScaleColumns, bool HasMins>
struct PieceArithmetic {
  using Lanes = TileLanes;
  using Floats = typename Lanes::Floats;
  using Dot = DotProduct;

  static constexpr bool kHalves = ScaleColumns == kActivationBlock / 2;
  static_assert(kHalves || ScaleColumns == kActivationBlock);
  static constexpr int kOffset = Offset + Dot::kOffset;
  static_assert(kOffset == 0 || std::has_single_bit(static_cast<unsigned>(kOffset)));

  /// The floats of a piece, one a lane each; what the format does not have is not set, and not read.
  struct Terms {
    Floats scale, min;
    Floats half_scale[2], half_min[2];

    template <class Format>
    [[gnu::always_inline]] void read(const std::byte* block, int piece) {
      scale = Lanes::of_rows(Format::template scales<Isa>(block, piece));
      if constexpr (HasMins) min = Lanes::of_rows(Format::template mins<Isa>(block, piece));
      if constexpr (kHalves) {
        for (int half = 0; half < 2; ++half) {
          half_scale[half] = Lanes::of_rows(Format::template half_scales<Isa>(block, piece, half));
        }
      }
      if constexpr (kHalves && HasMins) {
        for (int half = 0; half < 2; ++half) {
          half_min[half] = Lanes::of_rows(Format::template half_mins<Isa>(block, piece, half));
        }
      }
    }
  };

  /// Integer sums that take the weights' offset back. `block`: an ActivationBlock; `half` of its columns, or all.
  [[gnu::always_inline]] static typename Dot::Sums start(const std::byte* block, int half) {
    if constexpr (kOffset == 0) {
      return Dot::start();
    } else {
      constexpr int kShift = std::countr_zero(static_cast<unsigned>(kOffset));
      const auto* const sum = reinterpret_cast<const std::int32_t*>(block + kSumAt);
      const auto* const first_sum = reinterpret_cast<const std::int32_t*>(block + kFirstSumAt);
      if constexpr (!kHalves) return Dot::start(sum, kShift);
      return half == 0 ? Dot::start(first_sum, kShift) : Dot::start(sum, first_sum, kShift);
    }
  }

  [[gnu::always_inline]] static const std::int8_t* values(const std::byte* block, std::ptrdiff_t column) {
    return reinterpret_cast<const std::int8_t*>(block + kValuesAt + column);
  }

  /// `sum` and a piece's contribution to it, from its integers: of all columns, or of either half's, the first times
  /// its scale. Floats hold the integers exactly: with small scales for each half, they are 2 * 16 * (32 * 127) * 128
  /// at most (Q6_K), below 2^24.
  ///
  /// `block`: an ActivationBlock; `next`: bytes to that of the next token, where lanes belong to two.
  [[gnu::always_inline]] static Floats added(const std::byte* block, std::ptrdiff_t next, const Floats& first_half,
                                             const typename Dot::Sums& dots, const Terms& terms, const Floats& sum) {
    Floats integers = Dot::finish(dots);
    if constexpr (kHalves) integers = Isa::fma(integers, terms.half_scale[1], first_half);
    const Floats in_scale = Lanes::of_float(block + kScaleAt, next);
    Floats result = Isa::fma(integers, terms.scale * in_scale, sum);
    if constexpr (HasMins && !kHalves) {
      result = Isa::fma(terms.min, Lanes::of_float(block + kScaledSumAt, next), result);
    }
    if constexpr (HasMins && kHalves) {
      const Floats first = Lanes::of_int(block + kFirstSumAt, next);
      const Floats second = Lanes::of_int(block + kSumAt, next) - first;
      const Floats minima = Isa::fma(second, terms.half_min[1], first * terms.half_min[0]);
      result = Isa::fma(minima, terms.min * in_scale, result);
    }
    return result;
  }

 private:
  static constexpr std::size_t kScaleAt = offsetof(ActivationBlock, scale);
  static constexpr std::size_t kScaledSumAt = offsetof(ActivationBlock, scaled_sum);
  static constexpr std::size_t kSumAt = offsetof(ActivationBlock, negative_sum);
  static constexpr std::size_t kFirstSumAt = offsetof(ActivationBlock, negative_first_sum);
  static constexpr std::size_t kValuesAt = offsetof(ActivationBlock, q);
};

template <class Isa, class Format, class Lanes, class Dot>
using ArithmeticOf = PieceArithmetic<Isa, Lanes, Dot, Format::kOffset, Format::kScaleColumns, Format::kHasMins>;
template <class Isa, class Format>
using ArithmeticInRegisters = ArithmeticOf<Isa, Format, RowLanes<Isa>, typename Isa::template Dot<Format::kBits>>;
template <class Isa, class Format>
using ArithmeticOfTiles =
    ArithmeticOf<Isa, Format, typename Isa::TileLanes, typename Isa::template TileDot<Format::kBits, Format::kOffset>>;

/// One format's product with one instruction set for T tokens, weights unpacked in registers.
template <class Isa, class Format, int T>
struct RegisterProduct {
  using Floats = typename Isa::Floats;

  /// Adds to sums[p][t] of panel p and the tokens whose first ActivationBlock is at `in`; `in_step` bytes from block to
  /// block.
  static void multiply(const Panels& panels, const ColumnRange& cols, const std::byte* in, std::ptrdiff_t in_step,
                       Floats (&sums)[kMostPanels][T]) noexcept {
    in += in_step * (cols.first / kActivationBlock);
    for (std::int64_t c = cols.first; c < cols.last; c += panels.band_cols) {
      const std::int64_t last = c + panels.band_cols < cols.last ? c + panels.band_cols : cols.last;
      in = multiply_band(panels, {c, last}, in, in_step, sums);
    }
  }

 private:
  using Arithmetic = ArithmeticInRegisters<Isa, Format>;
  using Dot = typename Arithmetic::Dot;
  static constexpr int kPieces = Format::kBlockElements / kActivationBlock;
  static constexpr std::ptrdiff_t kToken = sizeof(ActivationBlock);
  static constexpr std::ptrdiff_t kPanelBlock = std::ptrdiff_t{Format::kPanelBlockBytes} * kPanelRows;
  static constexpr std::ptrdiff_t kPieceBytes = kPanelBlock / kPieces;
  // Bytes. Processors fetch ahead by themselves, but not over the ends of pages, and begin anew with each panel; half
  // as far was too late for Q8_0, twice as far no better.
  static constexpr std::ptrdiff_t kFetchAhead = 2304;

  /// Columns of a band; returns where the activations of those after them are.
  static const std::byte* multiply_band(const Panels& panels, const ColumnRange& cols, const std::byte* in,
                                        std::ptrdiff_t in_step, Floats (&sums)[kMostPanels][T]) noexcept {
    const std::byte* first = panels.at(cols.first, Format::kBlockElements, kPanelBlock);
    const std::byte* const end = first + (cols.last - cols.first) / Format::kBlockElements * kPanelBlock;
    const std::ptrdiff_t others = panels.then - (end - first);
    for (; first < end; first += kPanelBlock) {
      for (int piece = 0; piece < kPieces; ++piece, in += in_step) {
        std::ptrdiff_t ahead = kPieceBytes * piece + kFetchAhead;
        if (first + ahead >= end) ahead += others;  // the same columns of the next panel
        // A piece of each panel in turn: processors fetch ahead in several sequences, if steps in them are short.
        const std::byte* block = first;
        for (int p = 0; p < panels.count; ++p, block += panels.step) {
          fetch(block + ahead);
          // Hides that all panels read the same: compilers would carry it from one to the next in general registers.
          const std::byte* tokens = in;
          asm("" : "+r"(tokens));
          add_piece(block, piece, tokens, sums[p]);
        }
      }
    }
    return in;
  }

  /// Asks for as much as a piece has. Behind the last panel nothing may be there: that does no harm.
  [[gnu::always_inline]] static void fetch(const std::byte* at) {
    constexpr std::ptrdiff_t kCacheLine = 64;
    for (std::ptrdiff_t line = 0; line < kPieceBytes; line += kCacheLine) __builtin_prefetch(at + line);
  }

  [[gnu::always_inline]] static void add_piece(const std::byte* panel, int piece, const std::byte* in,
                                               Floats (&sums)[T]) {
    typename Arithmetic::Terms terms;
    terms.template read<Format>(panel, piece);
    typename Dot::Sums dots[T];
    Floats first_half[T];
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      dots[t] = Arithmetic::start(in + kToken * t, 0);
      first_half[t] = Floats::splat(0.0F);
    });
    int calls = 0;
    typename Dot::Weights other{};  // of the call before
    std::ptrdiff_t other_column = 0;
    Format::template for_each_quad<Isa>(
        panel, piece, [&](std::ptrdiff_t column, const auto& quads) __attribute__((always_inline)) {
          const auto weights = Dot::prepare(quads);
          if (++calls % 2 != 0) {
            other = weights;
            other_column = column;
            return;
          }
          unrolled<T>([&](auto t) __attribute__((always_inline)) {
            const std::byte* const block = in + kToken * t;
            Dot::add_two(dots[t], other, Arithmetic::values(block, other_column), weights,
                         Arithmetic::values(block, column));
          });
          if (!Arithmetic::kHalves || calls != kQuadsPerPiece / 2) return;
          unrolled<T>([&](auto t) __attribute__((always_inline)) {
            first_half[t] = Dot::finish(dots[t]) * terms.half_scale[0];
            dots[t] = Arithmetic::start(in + kToken * t, 1);
          });
        });
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      sums[t] = Arithmetic::added(in + kToken * t, kToken, first_half[t], dots[t], terms, sums[t]);
    });
  }
};

/// Some hundred columns of a panel, unpacked: what tiles of many tokens read from the L1 cache.
template <class Isa, class Arithmetic>
struct UnpackedColumns {
  using Lanes = typename Arithmetic::Lanes;
  using Floats = typename Arithmetic::Floats;
  using Terms = typename Arithmetic::Terms;
  using Dot = typename Arithmetic::Dot;

  static constexpr int kMostPieces = Isa::kTilePieces;
  // Tokens that columns are unpacked for: their sums, and as many columns of weights and activations, are in the L1
  // cache together.
  static constexpr std::int32_t kMostTokens = 64;
  /// Up to so many tokens no panel waits for others.
  static constexpr std::int32_t kPanelByPanel = 0;
  static constexpr bool kByColumns = ColumnDot<Dot, typename Isa::Quads>;
  static constexpr bool kCached = CachedDot<Dot, typename Isa::Quads>;
  /// Tokens. Sums of half a piece wait for those of the other: they need registers, too.
  static constexpr int kTile =
      (kByColumns || Isa::kTilePanels > 1) && Arithmetic::kHalves ? Isa::kDotTile / 2 : Isa::kDotTile;

  struct Piece {
    typename Dot::Weights quads[kQuadsPerPiece];
    typename Dot::Sums row_sums;  // if the dot product has them
    Terms terms;
  };

  alignas(64) Piece pieces[kMostPieces];
  int count = 0;

  /// Unpacks so many blocks. `fetch`: asks for as many behind them meanwhile.
  template <class Format>
  void unpack(const std::byte* block, int blocks, bool fetch) noexcept {
    constexpr int kPieces = Format::kBlockElements / kActivationBlock;
    constexpr std::ptrdiff_t kPanelBlock = std::ptrdiff_t{Format::kPanelBlockBytes} * kPanelRows;
    const std::ptrdiff_t ahead = kPanelBlock * blocks;
    count = 0;
    for (int b = 0; b < blocks; ++b, block += kPanelBlock) {
      for (int i = 0; i < kPieces; ++i) {
        if (fetch) {
          constexpr std::ptrdiff_t kPiece = kPanelBlock / kPieces, kLine = 64;
          for (std::ptrdiff_t line = 0; line < kPiece; line += kLine) {
            __builtin_prefetch(block + ahead + kPiece * i + line);
          }
        }
        Piece& piece = pieces[count++];
        piece.terms.template read<Format>(block, i);
        Format::template for_each_quad<Isa>(
            block, i, [&](std::ptrdiff_t column, const auto& quads) { piece.quads[column / 4] = Dot::prepare(quads); });
        if constexpr (kByColumns) {
          Dot::arrange(piece.quads);
        } else if constexpr (Dot::kHasRowSums) {
          piece.row_sums = Dot::row_sums(piece.quads);
        }
      }
    }
  }

  static int pauses(std::int32_t tokens, int) { return (tokens + kTokenGroup - 1) / kTokenGroup; }

  /// What is set up while `tokens` tokens are multiplied: here nothing.
  struct State {
    explicit State(std::int32_t) {}
  };

  /// Adds the products of P panels' columns with `tokens` tokens to `sums`: for each panel, `panel_step` floats apart,
  /// (tokens, kPanelRows), or Floats of kTokens tokens each. `in`: activations, `in_stride` bytes a token; `block`: the
  /// first ActivationBlock of these columns. Calls between() now and then: pauses() times.
  template <int P, class Between>
  static void multiply(const UnpackedColumns* panels, const std::byte* in, std::ptrdiff_t in_stride, std::int64_t block,
                       std::int32_t tokens, float* sums, std::ptrdiff_t panel_step, const Between& between) noexcept {
    for (std::int32_t token = 0; token < tokens; token += kTokenGroup) {
      between();
      const std::int32_t group = tokens - token < kTokenGroup ? tokens - token : kTokenGroup;
      multiply_tiles<P, kTile>(panels, in + in_stride * token + kToken * group * block, group, 0,
                               sums + std::ptrdiff_t{kPanelRows} * token, panel_step);
    }
  }

 private:
  /// Tokens of a group from `token` on.
  template <int P, int T>
  static void multiply_tiles(const UnpackedColumns* panels, const std::byte* in, std::int32_t group, std::int32_t token,
                             float* sums, std::ptrdiff_t panel_step) noexcept {
    for (; token + T <= group; token += T) {
      multiply_tile<P, T>(panels, in + kToken * token, kToken * group, sums + std::ptrdiff_t{kPanelRows} * token,
                          panel_step);
    }
    if constexpr (T > 1) multiply_tiles<P, T / 2>(panels, in, group, token, sums, panel_step);
  }

  /// T tokens, `in_step` bytes from block to block.
  template <int P, int T>
  [[gnu::noinline]] static void multiply_tile(const UnpackedColumns* panels, const std::byte* in,
                                              std::ptrdiff_t in_step, float* sums, std::ptrdiff_t panel_step) noexcept {
    static_assert(kByColumns || kCached);
    constexpr int kSums = T < Lanes::kTokens ? 1 : T / Lanes::kTokens;
    constexpr bool kSumsInMemory = kByColumns || P > 1;  // registers are full of dot products
    Floats all[P][kSums];
    if constexpr (!kSumsInMemory) load(sums, panel_step, all);
    const int count = panels->count;
    for (int i = 0; i < count; ++i, in += in_step) {
      typename Dot::Sums dots[P][kSums];
      Floats first_half[P][kSums];
      if constexpr (Arithmetic::kHalves) {
        add_columns<T, 0, kQuadsPerPiece / 2>(panels, i, in, dots);
        unrolled<P>([&](auto p) {
          unrolled<kSums>(
              [&](auto s) { first_half[p][s] = Dot::finish(dots[p][s]) * panels[p].pieces[i].terms.half_scale[0]; });
        });
        add_columns<T, kQuadsPerPiece / 2, kQuadsPerPiece>(panels, i, in, dots);
      } else {
        add_columns<T, 0, kQuadsPerPiece>(panels, i, in, dots);
      }
      if constexpr (kSumsInMemory) {
        asm("" : "+r"(sums));  // hides that it stays the same, or compilers would load before the loop, and spill
        load(sums, panel_step, all);
      }
      unrolled<P>([&](auto p) {
        unrolled<kSums>([&](auto s) {
          all[p][s] = Arithmetic::added(in + kToken * Lanes::kTokens * s, kNext<T>, first_half[p][s], dots[p][s],
                                        panels[p].pieces[i].terms, all[p][s]);
        });
      });
      if constexpr (kSumsInMemory) store(all, sums, panel_step);
    }
    if constexpr (!kSumsInMemory) store(all, sums, panel_step);
  }

  static constexpr std::ptrdiff_t kToken = sizeof(ActivationBlock);
  static constexpr int kLanes = kPanelRows * Lanes::kTokens;

  /// From a token's ActivationBlock to that of the token that shares its sums: one left alone shares them with itself.
  template <int T>
  static constexpr std::ptrdiff_t kNext = T < Lanes::kTokens ? 0 : kToken;

  template <int P, int N>
  [[gnu::always_inline]] static void load(const float* sums, std::ptrdiff_t panel_step, Floats (&all)[P][N]) {
    unrolled<P>(
        [&](auto p) { unrolled<N>([&](auto s) { all[p][s] = Floats::load(sums + panel_step * p + kLanes * s); }); });
  }
  template <int P, int N>
  [[gnu::always_inline]] static void store(const Floats (&all)[P][N], float* sums, std::ptrdiff_t panel_step) {
    unrolled<P>([&](auto p) { unrolled<N>([&](auto s) { all[p][s].store(sums + panel_step * p + kLanes * s); }); });
  }

  /// dots = quads First .. Last of each panel's piece `index` times each token's activations.
  template <int T, int First, int Last, int P, int N>
  [[gnu::always_inline]] static void add_columns(const UnpackedColumns* panels, int index, const std::byte* in,
                                                 typename Dot::Sums (&dots)[P][N]) {
    if constexpr (kByColumns) {
      static_assert(Arithmetic::kOffset == 0 && P == 1);
      unrolled<N>([&](auto s) { dots[0][s] = Dot::start(); });
      Dot::template add_columns<First, Last>(dots[0], panels->pieces[index].quads, Arithmetic::values(in, 0), kToken,
                                             kNext<T>);
    } else {
      unrolled<P>([&](auto p) {
        unrolled<T>([&](auto t) {
          if constexpr (Dot::kHasRowSums) {
            static_assert(Arithmetic::kOffset == 0 && !Arithmetic::kHalves);
            dots[p][t] = Dot::start_rows(panels[p].pieces[index].row_sums);
          } else {
            dots[p][t] = Arithmetic::start(in + kToken * t, First == 0 ? 0 : 1);
          }
        });
      });
#pragma GCC unroll 2
      for (int g = First; g < Last; g += 4) {
        add_two_quads(panels, index, in, g, dots);
        add_two_quads(panels, index, in, g + 2, dots);
      }
    }
  }

  template <int P, int T>
  [[gnu::always_inline]] static void add_two_quads(const UnpackedColumns* panels, int index, const std::byte* in, int g,
                                                   typename Dot::Sums (&dots)[P][T]) {
    unrolled<T>([&](auto t) {
      const std::int8_t* const values = Arithmetic::values(in + kToken * t, std::ptrdiff_t{4} * g);
      unrolled<P>([&](auto p) {
        const typename Dot::Weights* const quads = &panels[p].pieces[index].quads[g];
        Dot::add_two(dots[p][t], quads[0], values, quads[1], values + 4);
      });
    });
  }
};

}  // namespace covey
