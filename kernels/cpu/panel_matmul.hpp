// The product of one panel of 16 rows with the activations of many tokens: lanes are rows.
//
// A block of the panel is loaded and unpacked once for a tile of tokens. What is computed for a token never depends on
// the tile it is in: integer sums are exact, and floats are summed over columns in one order.
#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

/// One format's product with one instruction set.
template <class Isa, class Format>
struct PanelProduct {
  using Floats = typename Isa::Floats;

  static constexpr bool kFloat = Format::kActivations == ActivationKind::f32;
  static constexpr int kTile = kFloat ? Isa::kFloatTile : Isa::kDotTile;

  /// The arguments of a PanelMatmul, moved on from tile to tile.
  struct Work {
    const std::byte* panel;
    std::int64_t cols;
    const std::byte* in;
    std::size_t in_stride;
    std::int32_t tokens;
    float* out;
    std::size_t out_stride;
    std::int32_t rows;
  };

  // `out` is written through Work.
  static void run(const std::byte* panel, std::int64_t cols, const std::byte* in, std::size_t in_stride,
                  std::int32_t tokens, float* out,  // NOLINT(readability-non-const-parameter)
                  std::size_t out_stride, std::int32_t rows) noexcept {
    Work work{panel, cols, in, in_stride, tokens, out, out_stride, rows};
    tiles<kTile>(work);
  }

 private:
  template <int T>
  static void tiles(Work& work) noexcept {
    for (; work.tokens >= T; work.tokens -= T) {
      Floats sums[T];
      if constexpr (kFloat) {
        float_tile<T>(work, sums);
      } else {
        int8_tile<T>(work, sums);
      }
      for (int t = 0; t < T; ++t) {
        float* row = work.out + static_cast<std::size_t>(t) * work.out_stride;
        if (work.rows == kPanelRows) {
          sums[t].store(row);
        } else {
          sums[t].store_first(row, work.rows);
        }
      }
      work.in += T * work.in_stride;
      work.out += T * work.out_stride;
    }
    if constexpr (T > 1) tiles<T / 2>(work);
  }

  template <class T>
  static T read(const std::byte* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return value;
  }

  static constexpr std::size_t kScaleAt = offsetof(ActivationBlock, scale);
  static constexpr std::size_t kSumsAt = offsetof(ActivationBlock, sums);
  static constexpr std::size_t kValuesAt = offsetof(ActivationBlock, q);

  /// Per 32 columns: exact integers, then one fma with the product of the two scales.
  template <int T>
  static void int8_tile(const Work& work, Floats (&sums)[T]) noexcept {
    for (int t = 0; t < T; ++t) sums[t] = Floats::splat(0.0F);
    const std::byte* block = work.panel;
    const std::byte* in = work.in;
    for (std::int64_t b = 0; b < work.cols / Format::kBlockElements; ++b) {
      const Floats scales = Format::template scales<Isa>(block);
      for (int piece = 0; piece < Format::kBlockElements / kActivationBlock; ++piece) {
        Floats integers[T];
        multiply_piece<T>(block, piece, in, work.in_stride, integers);
        for (int t = 0; t < T; ++t) {
          const Floats scale = scales * Floats::splat(read<float>(in + t * work.in_stride + kScaleAt));
          sums[t] = Isa::fma(integers[t], scale, sums[t]);
        }
        in += sizeof(ActivationBlock);
      }
      block += std::size_t{Format::kBlockBytes} * kPanelRows;
    }
  }

  /// integers[t] = 32 columns of weights . activations, in units of the block's scales. With small integer scales
  /// inside the block, each half has its own. Floats hold it exactly: for Q6_K, the widest, it is 2 * 16 * (32 * 127) *
  /// 128 at most, below 2^24.
  template <int T>
  static void multiply_piece(const std::byte* block, int piece, const std::byte* in, std::size_t in_stride,
                             Floats (&integers)[T]) noexcept {
    using Dot = typename Format::template Dot<Isa>;
    constexpr int kOffset = Format::kOffset + Dot::kOffset;
    typename Dot::Sums dots[T];
    const auto add = [&](std::ptrdiff_t column, const auto& quads) {
      const auto weights = Dot::prepare(quads);
      for (int t = 0; t < T; ++t) {
        const std::byte* q = in + t * in_stride + kValuesAt + column;
        Dot::add(dots[t], weights, reinterpret_cast<const std::int8_t*>(q));
      }
    };
    const auto activation_sum = [&](int t, int half) {
      return std::int32_t{
          read<std::int16_t>(in + t * in_stride + kSumsAt + sizeof(std::int16_t) * static_cast<std::size_t>(half))};
    };
    if constexpr (Format::kScaleColumns == kActivationBlock) {
      for (int t = 0; t < T; ++t) dots[t] = Dot::start(-kOffset * (activation_sum(t, 0) + activation_sum(t, 1)));
      Format::template for_each_quad<Isa>(block, add);
      for (int t = 0; t < T; ++t) integers[t] = Dot::finish(dots[t]);
    } else {
      static_assert(Format::kScaleColumns == kActivationBlock / 2);
      for (int t = 0; t < T; ++t) integers[t] = Floats::splat(0.0F);
      for (int half = 0; half < 2; ++half) {
        for (int t = 0; t < T; ++t) dots[t] = Dot::start(-kOffset * activation_sum(t, half));
        Format::template for_each_quad<Isa>(block, piece, half, add);
        const Floats scale = Format::template half_scales<Isa>(block, piece, half);
        for (int t = 0; t < T; ++t) integers[t] = Isa::fma(Dot::finish(dots[t]), scale, integers[t]);
      }
    }
  }

  /// Column c is added to accumulator c % 4; the four are summed at the end. A small tile works on several accumulators
  /// at once to hide the latency of fma; a large one has enough tokens for that, and goes over a piece of columns,
  /// small enough for the L1 cache, once for each accumulator.
  template <int T>
  static void float_tile(const Work& work, Floats (&sums)[T]) noexcept {
    constexpr int kTogether = T == 1 ? 4 : T == 2 ? 2 : 1;
    constexpr std::int64_t kPiece = 256;

    Floats accumulators[4][T];
    for (auto& accumulator : accumulators) {
      for (int t = 0; t < T; ++t) accumulator[t] = Floats::splat(0.0F);
    }
    const std::int64_t whole = work.cols / 4 * 4;
    for (std::int64_t from = 0; from < whole; from += kPiece) {
      const std::int64_t to = from + kPiece < whole ? from + kPiece : whole;
      for (int first = 0; first < 4; first += kTogether) {
        float_columns<T, kTogether>(work, from + first, to, &accumulators[first]);
      }
    }
    for (std::int64_t c = whole; c < work.cols; ++c) float_columns<T, 1>(work, c, c + 1, &accumulators[c % 4]);
    for (int t = 0; t < T; ++t) {
      sums[t] = (accumulators[0][t] + accumulators[1][t]) + (accumulators[2][t] + accumulators[3][t]);
    }
  }

  /// Columns from, from + 4, … to `together` accumulators, with the columns beside them.
  template <int T, int Together>
  static void float_columns(const Work& work, std::int64_t from, std::int64_t to, Floats (*accumulators)[T]) noexcept {
    constexpr std::size_t kColumnBytes = std::size_t{Format::kBlockBytes} * kPanelRows;
    Floats sums[Together][T];
    for (int i = 0; i < Together; ++i) {
      for (int t = 0; t < T; ++t) sums[i][t] = accumulators[i][t];
    }
    for (std::int64_t c = from; c < to; c += 4) {
      for (int i = 0; i < Together; ++i) {
        const auto column = static_cast<std::size_t>(c + i);
        const Floats weights = Format::template load<Isa>(work.panel + column * kColumnBytes);
        for (int t = 0; t < T; ++t) {
          const auto activation = read<float>(work.in + t * work.in_stride + column * sizeof(float));
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
