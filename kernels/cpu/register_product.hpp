// The product of panels of quantized weights with the int8 activations of few tokens: lanes are rows, and weights are
// unpacked in registers.
#pragma once

#include <cstddef>

#include "kernels/cpu/fetch_lines.hpp"
#include "kernels/cpu/int8_arithmetic.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

/// One format's product with one instruction set for T tokens.
template <class Isa, class Format, int T>
struct RegisterProduct {
  using Floats = typename Isa::Floats;

  /// Adds to sums[p][t] of panel p and the tokens whose first block of activations is at `in`; `in_step` bytes from
  /// block to block.
  static void multiply(const Panels& panels, const ColumnRange& cols, const std::byte* in, std::ptrdiff_t in_step,
                       Floats (&sums)[kMostPanels][T]) noexcept {
    in += in_step * (cols.first / Format::kBlockElements);
    for (std::int64_t c = cols.first; c < cols.last; c += panels.band_cols) {
      const std::int64_t last = c + panels.band_cols < cols.last ? c + panels.band_cols : cols.last;
      in = multiply_band(panels, {c, last}, in, in_step, sums);
    }
  }

 private:
  using Arithmetic = ArithmeticInRegisters<Isa, Format>;
  using Dot = typename Arithmetic::Dot;
  using Sum = typename Arithmetic::Sum;
  static constexpr int kPieces = Arithmetic::kPieces;
  static_assert(Format::kBlockElements == kPieces * kActivationBlock);
  static constexpr std::ptrdiff_t kToken = Arithmetic::kToken;
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
    for (; first < end; first += kPanelBlock, in += in_step) {
      if constexpr (Arithmetic::kWide) {
        Sum integers[kMostPanels][T];
        for (int p = 0; p < panels.count; ++p) {
          unrolled<T>([&](auto t) __attribute__((always_inline)) { integers[p][t] = Sum::splat(0); });
        }
        add_block(panels, first, end, others, in, integers);
        for (int p = 0; p < panels.count; ++p) {
          typename Arithmetic::BlockTerms terms;
          terms.template read<Format>(first + panels.step * static_cast<std::size_t>(p));
          unrolled<T>([&](auto t) __attribute__((always_inline)) {
            sums[p][t] = Arithmetic::joined(in + kToken * t, kToken, integers[p][t], terms, sums[p][t]);
          });
        }
      } else {
        add_block(panels, first, end, others, in, sums);
      }
    }
    return in;
  }

  /// A piece of each panel in turn: processors fetch ahead in several sequences, if steps in them are short.
  [[gnu::always_inline]] static void add_block(const Panels& panels, const std::byte* first, const std::byte* end,
                                               std::ptrdiff_t others, const std::byte* in,
                                               Sum (&sums)[kMostPanels][T]) {
    for (int piece = 0; piece < kPieces; ++piece) {
      std::ptrdiff_t ahead = kPieceBytes * piece + kFetchAhead;
      if (first + ahead >= end) ahead += others;  // the same columns of the next panel
      const std::byte* block = first;
      for (int p = 0; p < panels.count; ++p, block += panels.step) {
        fetch_lines(block + ahead, kPieceBytes);
        add_piece(block, piece, in, sums[p]);
      }
    }
  }

  [[gnu::always_inline]] static void add_piece(const std::byte* panel, int piece, const std::byte* in, Sum (&sums)[T]) {
    typename Arithmetic::Terms terms;
    terms.template read<Format>(panel, piece);
    // Hides what the addresses of panels, tokens and columns have in common: compilers would carry each from one to the
    // next in general registers.
    asm("" : "+r"(in));
    const std::byte* quads_at = piece_of<Format>(panel, piece);
    const std::int8_t* values = Arithmetic::values(in, piece);
    const std::byte* offsets = Arithmetic::sums(in, piece);
    if constexpr (Arithmetic::kWide) asm("" : "+r"(quads_at), "+r"(values), "+r"(offsets));

    typename Dot::Sums dots[T];
    unrolled<T>([&](auto t) __attribute__((always_inline)) { dots[t] = Arithmetic::start(offsets + kToken * t, 0); });
    int calls = 0;
    typename Dot::Weights other{};  // of the call before
    std::ptrdiff_t other_column = 0;
    Format::template for_each_quad<Isa>(
        quads_at, [&](std::ptrdiff_t column, const auto& quads) __attribute__((always_inline)) {
          const auto weights = Dot::prepare(quads);
          if (++calls % 2 != 0) {
            other = weights;
            other_column = column;
            return;
          }
          unrolled<T>([&](auto t) __attribute__((always_inline)) {
            const std::int8_t* const of_token = values + kToken * t;
            Dot::add_two(dots[t], other, of_token + other_column, weights, of_token + column);
          });
          if (Arithmetic::kParts == 1 || calls != kQuadsPerPiece / 2) return;
          unrolled<T>([&](auto t) __attribute__((always_inline)) {
            sums[t] = Arithmetic::added(in + kToken * t, kToken, 0, dots[t], terms, sums[t]);
            dots[t] = Arithmetic::start(offsets + kToken * t, 1);
          });
        });
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      sums[t] = Arithmetic::added(in + kToken * t, kToken, Arithmetic::kParts - 1, dots[t], terms, sums[t]);
    });
  }
};

}  // namespace covey
