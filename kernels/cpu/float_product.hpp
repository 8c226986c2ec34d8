// The product of a panel of 16 rows of float weights with F32 activations: lanes are rows.
#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

template <class Isa, class Format>
struct FloatProduct {
  using Floats = typename Isa::Floats;

  /// sums[p][t] of panel p and T rows of `in`, one every `in_stride` bytes.
  ///
  /// Column c is added to accumulator c % 4; the four are summed at the end. A small tile works on several accumulators
  /// at once to hide the latency of fma; a large one has enough tokens for that, and goes over a piece of columns,
  /// small enough for the L1 cache, once for each accumulator.
  template <int T>
  static void tile(const Panels& panels, std::int64_t cols, const std::byte* in, std::size_t in_stride,
                   Floats (&sums)[kMostPanels][T]) noexcept {
    constexpr std::int64_t kPiece = 64 * T;

    Floats accumulators[kMostPanels][4][T];
    for (std::int32_t p = 0; p < panels.count; ++p) {
      for (auto& accumulator : accumulators[p]) {
        for (int t = 0; t < T; ++t) accumulator[t] = Floats::splat(0.0F);
      }
    }
    for (std::int64_t from = 0; from < cols; from += kPiece) {
      Source source{panels.first, in, in_stride};
      for (std::int32_t p = 0; p < panels.count; ++p, source.panel += panels.step) {
        piece<T>(source, from, from + kPiece < cols ? from + kPiece : cols, accumulators[p]);
      }
    }
    for (std::int32_t p = 0; p < panels.count; ++p) {
      const auto& of_panel = accumulators[p];
      for (int t = 0; t < T; ++t) {
        sums[p][t] = (of_panel[0][t] + of_panel[1][t]) + (of_panel[2][t] + of_panel[3][t]);
      }
    }
  }

 private:
  struct Source {
    const std::byte* panel;
    const std::byte* in;
    std::size_t in_stride;
  };

  template <int T>
  static void piece(const Source& source, std::int64_t from, std::int64_t to, Floats (&accumulators)[4][T]) noexcept {
    constexpr int kTogether = T == 1 ? 4 : T == 2 ? 2 : 1;
    const std::int64_t whole = from + (to - from) / 4 * 4;
    for (int first = 0; first < 4; first += kTogether) {
      columns<T, kTogether>(source, from + first, whole, &accumulators[first]);
    }
    for (std::int64_t c = whole; c < to; ++c) columns<T, 1>(source, c, c + 1, &accumulators[c % 4]);
  }

  /// Columns from, from + 4, … to the first accumulator, with the columns beside them to the others.
  template <int T, int Together>
  static void columns(const Source& source, std::int64_t from, std::int64_t to, Floats (*accumulators)[T]) noexcept {
    constexpr std::size_t kColumnBytes = std::size_t{Format::kBlockBytes} * kPanelRows;
    Floats sums[Together][T];
    for (int i = 0; i < Together; ++i) {
      for (int t = 0; t < T; ++t) sums[i][t] = accumulators[i][t];
    }
    for (std::int64_t c = from; c < to; c += 4) {
      for (int i = 0; i < Together; ++i) {
        const auto column = static_cast<std::size_t>(c + i);
        const Floats weights = Format::template load<Isa>(source.panel + column * kColumnBytes);
        for (int t = 0; t < T; ++t) {
          float activation;
          std::memcpy(&activation, source.in + t * source.in_stride + column * sizeof(float), sizeof(activation));
          sums[i][t] = Isa::fma(weights, Floats::splat(activation), sums[i][t]);
        }
      }
    }
    for (int i = 0; i < Together; ++i) {
      for (int t = 0; t < T; ++t) accumulators[i][t] = sums[i][t];
    }
  }
};

}  // namespace covey
