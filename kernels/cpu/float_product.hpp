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

  /// sums[t] of T rows of `in`, one every `in_stride` bytes.
  ///
  /// Column c is added to accumulator c % 4; the four are summed at the end. A small tile works on several accumulators
  /// at once to hide the latency of fma; a large one has enough tokens for that, and goes over a piece of columns,
  /// small enough for the L1 cache, once for each accumulator.
  template <int T>
  static void tile(const std::byte* panel, std::int64_t cols, const std::byte* in, std::size_t in_stride,
                   Floats (&sums)[T]) noexcept {
    constexpr int kTogether = T == 1 ? 4 : T == 2 ? 2 : 1;
    constexpr std::int64_t kPiece = 256;

    const Source source{panel, in, in_stride};
    Floats accumulators[4][T];
    for (auto& accumulator : accumulators) {
      for (int t = 0; t < T; ++t) accumulator[t] = Floats::splat(0.0F);
    }
    const std::int64_t whole = cols / 4 * 4;
    for (std::int64_t from = 0; from < whole; from += kPiece) {
      const std::int64_t to = from + kPiece < whole ? from + kPiece : whole;
      for (int first = 0; first < 4; first += kTogether) {
        columns<T, kTogether>(source, from + first, to, &accumulators[first]);
      }
    }
    for (std::int64_t c = whole; c < cols; ++c) columns<T, 1>(source, c, c + 1, &accumulators[c % 4]);
    for (int t = 0; t < T; ++t) {
      sums[t] = (accumulators[0][t] + accumulators[1][t]) + (accumulators[2][t] + accumulators[3][t]);
    }
  }

 private:
  struct Source {
    const std::byte* panel;
    const std::byte* in;
    std::size_t in_stride;
  };

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
