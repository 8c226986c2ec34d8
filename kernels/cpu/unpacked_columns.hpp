// The product of a panel of quantized weights with the int8 activations of many tokens: some hundred columns are
// unpacked once to the L1 cache, where tile after tile of tokens reads them.
#pragma once

#include <cstddef>

#include "kernels/cpu/fetch_lines.hpp"
#include "kernels/cpu/int8_arithmetic.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

/// The sums of `tokens` tokens, before there are any.
template <class Lanes>
[[gnu::always_inline]] inline void clear_sums(float* sums, std::int32_t tokens) {
  for (std::int32_t t = 0; t < tokens; t += Lanes::kTokens) {
    Lanes::Floats::splat(0.0F).store(sums + std::ptrdiff_t{kPanelRows} * t);
  }
}

/// Some hundred columns of a panel, unpacked: what tiles of many tokens read from the L1 cache.
template <class Isa, class Arithmetic>
struct UnpackedColumns {
  using Lanes = typename Arithmetic::Lanes;
  using Floats = typename Arithmetic::Floats;
  using Sum = typename Arithmetic::Sum;
  using Terms = typename Arithmetic::Terms;
  using BlockTerms = typename Arithmetic::BlockTerms;
  using Dot = typename Arithmetic::Dot;

  static constexpr int kMostPieces = Isa::kTilePieces;
  static constexpr int kPieces = Arithmetic::kPieces;  // of a block
  static constexpr int kMostBlocks = kMostPieces / kPieces;
  // Tokens that columns are unpacked for: their sums, and as many columns of weights and activations, are in the L1
  // cache together.
  static constexpr std::int32_t kMostTokens = 64;
  /// Up to so many tokens no panel waits for others.
  static constexpr std::int32_t kPanelByPanel = 0;
  static constexpr bool kByColumns = ColumnDot<Dot, typename Isa::Quads>;
  static constexpr bool kCached = CachedDot<Dot, typename Isa::Quads>;
  /// Tokens.
  static constexpr int kTile = Isa::kDotTile;

  struct Piece {
    typename Dot::Weights quads[kQuadsPerPiece];
    typename Dot::Sums row_sums;  // if the dot product has them
    Terms terms;
  };

  alignas(64) Piece pieces[kMostPieces];
  BlockTerms block_terms[kMostBlocks];
  int count = 0;  // blocks

  /// Unpacks so many blocks. `fetch`: asks for as many behind them meanwhile.
  template <class Format>
  void unpack(const std::byte* block, int blocks, bool fetch) noexcept {
    constexpr std::ptrdiff_t kPanelBlock = std::ptrdiff_t{Format::kPanelBlockBytes} * kPanelRows;
    const std::ptrdiff_t ahead = kPanelBlock * blocks;
    count = blocks;
    Piece* to = pieces;
    for (int b = 0; b < blocks; ++b, block += kPanelBlock) {
      block_terms[b].template read<Format>(block);
      for (int i = 0; i < kPieces; ++i) {
        if (fetch) fetch_lines(block + ahead + kPanelBlock / kPieces * i, kPanelBlock / kPieces);
        Piece& piece = *to++;
        piece.terms.template read<Format>(block, i);
        Format::template for_each_quad<Isa>(piece_of<Format>(block, i), [&](std::ptrdiff_t column, const auto& quads) {
          piece.quads[column / 4] = Dot::prepare(quads);
        });
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
  /// number of these columns' first block; `fresh`: nothing is in the sums yet. Calls between() now and then: pauses()
  /// times.
  template <int P, class Between>
  static void multiply(const UnpackedColumns* panels, const std::byte* in, std::ptrdiff_t in_stride, std::int64_t block,
                       std::int32_t tokens, float* sums, std::ptrdiff_t panel_step, bool fresh,
                       const Between& between) noexcept {
    for (std::int32_t token = 0; token < tokens; token += kTokenGroup) {
      between();
      const std::int32_t group = tokens - token < kTokenGroup ? tokens - token : kTokenGroup;
      float* const group_sums = sums + std::ptrdiff_t{kPanelRows} * token;
      for (int p = 0; fresh && p < P; ++p) clear_sums<Lanes>(group_sums + panel_step * p, group);
      multiply_tiles<P, kTile>(panels, in + in_stride * token + kToken * group * block, group, 0, group_sums,
                               panel_step);
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
    const int blocks = panels->count;
    for (int b = 0; b < blocks; ++b, in += in_step) {
      if constexpr (Arithmetic::kWide) {
        alignas(64) Sum integers[P][kSums];
        unrolled<P>([&](auto p) __attribute__((always_inline)) {
          unrolled<kSums>([&](auto s) __attribute__((always_inline)) { integers[p][s] = Sum::splat(0); });
        });
        for (int i = 0; i < kPieces; ++i) add_piece<T, kSumsInMemory>(panels, b * kPieces + i, i, in, integers);
        if constexpr (kSumsInMemory) load(sums, panel_step, all);
        unrolled<P>([&](auto p) __attribute__((always_inline)) {
          unrolled<kSums>([&](auto s) __attribute__((always_inline)) {
            all[p][s] = Arithmetic::joined(in + kToken * Lanes::kTokens * s, kNext<T>, integers[p][s],
                                           panels[p].block_terms[b], all[p][s]);
          });
        });
        if constexpr (kSumsInMemory) store(all, sums, panel_step);
      } else {
        typename Dot::Sums dots[P][kSums];
        add_columns<T, 0, kQuadsPerPiece>(panels, b, 0, in, dots);
        if constexpr (kSumsInMemory) {
          asm("" : "+r"(sums));  // hides that it stays the same, or compilers would load before the loop, and spill
          load(sums, panel_step, all);
        }
        add<T, 0>(panels, b, in, dots, all);
        if constexpr (kSumsInMemory) store(all, sums, panel_step);
      }
    }
    if constexpr (!kSumsInMemory) store(all, sums, panel_step);
  }

  /// Adds each panel's piece `index`, a block's number `piece`, times each token's activations to sums.
  template <int T, bool SumsInMemory, int P, int N>
  [[gnu::always_inline]] static void add_piece(const UnpackedColumns* panels, int index, int piece, const std::byte* in,
                                               Sum (&sums)[P][N]) {
    constexpr int kQuads = kQuadsPerPiece / Arithmetic::kParts;
    unrolled<Arithmetic::kParts>([&](auto part) __attribute__((always_inline)) {
      typename Dot::Sums dots[P][N];
      add_columns<T, part * kQuads, (part + 1) * kQuads>(panels, index, piece, in, dots);
      if constexpr (SumsInMemory) asm("" : "+m"(sums));  // not in registers meanwhile
      add<T, part>(panels, index, in, dots, sums);
    });
  }

  /// What a part's integers contribute.
  template <int T, int Part, int P, int N>
  [[gnu::always_inline]] static void add(const UnpackedColumns* panels, int index, const std::byte* in,
                                         const typename Dot::Sums (&dots)[P][N], Sum (&sums)[P][N]) {
    unrolled<P>([&](auto p) __attribute__((always_inline)) {
      unrolled<N>([&](auto s) __attribute__((always_inline)) {
        sums[p][s] = Arithmetic::added(in + kToken * Lanes::kTokens * s, kNext<T>, Part, dots[p][s],
                                       panels[p].pieces[index].terms, sums[p][s]);
      });
    });
  }

  static constexpr std::ptrdiff_t kToken = Arithmetic::kToken;
  static constexpr int kLanes = kPanelRows * Lanes::kTokens;

  /// From a token's block to that of the token that shares its sums: one left alone shares them with itself.
  template <int T>
  static constexpr std::ptrdiff_t kNext = T < Lanes::kTokens ? 0 : kToken;

  template <int P, int N>
  [[gnu::always_inline]] static void load(const float* sums, std::ptrdiff_t panel_step, Floats (&all)[P][N]) {
    unrolled<P>([&](auto p) {
      unrolled<N>([&](auto s)
                      __attribute__((always_inline)) { all[p][s] = Floats::load(sums + panel_step * p + kLanes * s); });
    });
  }
  template <int P, int N>
  [[gnu::always_inline]] static void store(const Floats (&all)[P][N], float* sums, std::ptrdiff_t panel_step) {
    unrolled<P>([&](auto p) __attribute__((always_inline)) {
      unrolled<N>([&](auto s) __attribute__((always_inline)) { all[p][s].store(sums + panel_step * p + kLanes * s); });
    });
  }

  /// dots = quads First .. Last of each panel's piece `index` times each token's activations, piece `piece` of a block.
  template <int T, int First, int Last, int P, int N>
  [[gnu::always_inline]] static void add_columns(const UnpackedColumns* panels, int index, int piece,
                                                 const std::byte* in, typename Dot::Sums (&dots)[P][N]) {
    if constexpr (kByColumns) {
      static_assert(Arithmetic::kOffset == 0 && P == 1);
      unrolled<N>([&](auto s) __attribute__((always_inline)) { dots[0][s] = Dot::start(); });
      Dot::template add_columns<First, Last>(dots[0], panels->pieces[index].quads, Arithmetic::values(in, piece),
                                             kToken, kNext<T>);
    } else {
      unrolled<P>([&](auto p) __attribute__((always_inline)) {
        unrolled<T>([&](auto t) __attribute__((always_inline)) {
          if constexpr (Dot::kHasRowSums) {
            static_assert(Arithmetic::kOffset == 0 && Arithmetic::kParts == 1);
            dots[p][t] = Dot::start_rows(panels[p].pieces[index].row_sums);
          } else {
            dots[p][t] = Arithmetic::start(Arithmetic::sums(in, piece) + kToken * t, First == 0 ? 0 : 1);
          }
        });
      });
#pragma GCC unroll 2
      for (int g = First; g < Last; g += 4) {
        add_two_quads(panels, index, piece, in, g, dots);
        add_two_quads(panels, index, piece, in, g + 2, dots);
      }
    }
  }

  template <int P, int T>
  [[gnu::always_inline]] static void add_two_quads(const UnpackedColumns* panels, int index, int piece,
                                                   const std::byte* in, int g, typename Dot::Sums (&dots)[P][T]) {
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      const std::int8_t* const values = Arithmetic::values(in, piece) + kToken * t + std::ptrdiff_t{4} * g;
      unrolled<P>([&](auto p) __attribute__((always_inline)) {
        const typename Dot::Weights* const quads = &panels[p].pieces[index].quads[g];
        Dot::add_two(dots[p][t], quads[0], values, quads[1], values + 4);
      });
    });
  }
};

}  // namespace covey
