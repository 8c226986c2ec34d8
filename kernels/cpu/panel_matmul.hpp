// PanelMatmul of every format: takes many tokens apart into tiles and puts what they give into the output.
#pragma once

#include "kernels/cpu/float_product.hpp"
#include "kernels/cpu/int8_arithmetic.hpp"
#include "kernels/cpu/register_product.hpp"
#include "kernels/cpu/unpacked_columns.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

/// The arguments of a PanelMatmul, moved on from tile to tile of tokens. All of it is inlined by force: no template
/// over an instruction set, it would be shared with code for others.
struct PanelWork {
  Panels panels;
  ColumnRange cols;
  const std::byte* in;
  std::size_t in_stride;
  std::int32_t tokens;
  float* out;
  std::size_t out_stride;

  /// Panel number `index` alone.
  [[gnu::always_inline]] PanelWork only(std::int32_t index) const noexcept {
    PanelWork one = *this;
    one.panels.first += static_cast<std::size_t>(index) * panels.step;
    one.panels.count = 1;
    const auto step = static_cast<std::ptrdiff_t>(panels.step);
    one.panels.then = index + 1 < panels.count ? step : panels.then - index * step;
    one.out += static_cast<std::size_t>(index) * panels.out_step;
    return one;
  }

  template <class Floats>
  [[gnu::always_inline]] void put(std::int32_t panel, std::int32_t token, const Floats& sums) const noexcept {
    float* const row = row_of(panel, token);
    if (panels.rows == kPanelRows) {
      sums.store(row);
    } else {
      sums.store_first(row, panels.rows);
    }
  }

  /// Whether the outputs of `tokens` tokens are at least so many bytes, of which all panels have whole cache lines.
  [[gnu::always_inline]] bool has_lines_of(std::int32_t tokens, std::size_t bytes) const noexcept {
    constexpr std::size_t kLine = 64;
    const std::size_t row_bytes = out_stride * sizeof(float);
    const std::size_t starts = reinterpret_cast<std::uintptr_t>(out) | row_bytes | panels.out_step * sizeof(float);
    return panels.rows == kPanelRows && starts % kLine == 0 && static_cast<std::size_t>(tokens) * row_bytes >= bytes;
  }

  /// What sums go on from, unless these columns are the first.
  template <class Floats>
  [[gnu::always_inline]] Floats get(std::int32_t panel, std::int32_t token) const noexcept {
    const float* const row = row_of(panel, token);
    return panels.rows == kPanelRows ? Floats::load(row) : Floats::load_first(row, panels.rows);
  }

  /// Of all panels and T tokens from `token` on.
  template <class Floats, int T>
  [[gnu::always_inline]] void put_all(std::int32_t token, const Floats (&sums)[kMostPanels][T]) const noexcept {
    for (std::int32_t p = 0; p < panels.count; ++p) {
      if (panels.rows == kPanelRows) {
        float* const row = row_of(p, token);
        unrolled<T>([&](auto t) __attribute__((always_inline)) { sums[p][t].store(row + t * out_stride); });
      } else {
        for (std::int32_t t = 0; t < T; ++t) put(p, token + t, sums[p][t]);
      }
    }
  }
  template <class Floats, int T>
  [[gnu::always_inline]] void get_all(std::int32_t token, Floats (&sums)[kMostPanels][T]) const noexcept {
    for (std::int32_t p = 0; p < panels.count; ++p) {
      if (cols.first == 0) {
        unrolled<T>([&](auto t) __attribute__((always_inline)) { sums[p][t] = Floats::splat(0.0F); });
      } else if (panels.rows == kPanelRows) {
        const float* const row = row_of(p, token);
        unrolled<T>([&](auto t) __attribute__((always_inline)) { sums[p][t] = Floats::load(row + t * out_stride); });
      } else {
        for (std::int32_t t = 0; t < T; ++t) sums[p][t] = get<Floats>(p, token + t);
      }
    }
  }

  [[gnu::always_inline]] float* row_of(std::int32_t panel, std::int32_t token) const noexcept {
    return out + static_cast<std::size_t>(token) * out_stride + static_cast<std::size_t>(panel) * panels.out_step;
  }
};

/// Of formats that multiply floats.
template <class Isa, class Format, bool Int8 = Format::kActivations != ActivationKind::f32>
struct PanelProduct {
  static void run(const Panels& panels, const ColumnRange& cols, const std::byte* in, std::size_t in_stride,
                  std::int32_t tokens, float* out, std::size_t out_stride) noexcept {
    const PanelWork work{panels, cols, in, in_stride, tokens, out, out_stride};
    if (tokens <= Isa::kFloatTile) {
      tiles<Isa::kFloatTile>(work);
    } else {
      for (std::int32_t p = 0; p < panels.count; ++p) tiles<Isa::kFloatTile>(work.only(p));
    }
  }

 private:
  template <int T>
  static void tiles(PanelWork work) noexcept {
    for (; work.tokens >= T; work.tokens -= T) {
      typename Isa::Floats sums[kMostPanels][T];
      FloatProduct<Isa, Format>::template tile<T>(work.panels, work.cols.last, work.in, work.in_stride, sums);
      work.put_all(0, sums);
      work.in += T * work.in_stride;
      work.out += T * work.out_stride;
    }
    if constexpr (T > 1) tiles<T / 2>(work);
  }
};

/// Asks for the columns of panels that are needed next, so that they come while those at hand are multiplied: some
/// cache lines at each pause between products, for a processor that is asked for too many at once waits. They come to
/// the second-level cache: activations pass through the first until they are used. Inlined by force, as above.
class Ahead {
 public:
  /// `bytes` of each panel, in so many parts.
  [[gnu::always_inline]] Ahead(std::ptrdiff_t bytes, int asks) noexcept
      : lines_((bytes + kLine - 1) / kLine), step_((lines_ + asks - 1) / asks) {}

  [[gnu::always_inline]] void add(const std::byte* columns) noexcept { panels_[count_++] = {columns, lines_}; }
  /// In a pause between products with so many panels.
  [[gnu::always_inline]] void ask(int panels) noexcept {
    for (std::ptrdiff_t left = step_ * panels; left > 0 && done_ < count_;) {
      Panel& panel = panels_[done_];
      const std::ptrdiff_t lines = left < panel.lines ? left : panel.lines;
      const std::byte* const end = panel.at + lines * kLine;
      for (const std::byte* at = panel.at; at != end; at += kLine) __builtin_prefetch(at, 0, 2);
      panel.at = end;
      panel.lines -= lines;
      left -= lines;
      if (panel.lines == 0) ++done_;
    }
  }

 private:
  static constexpr std::ptrdiff_t kLine = 64;
  struct Panel {
    const std::byte* at;
    std::ptrdiff_t lines;
  };
  Panel panels_[kMostPanels];
  int count_ = 0;
  int done_ = 0;
  std::ptrdiff_t lines_;
  std::ptrdiff_t step_;
};

/// Of formats that multiply integers.
template <class Isa, class Format>
struct PanelProduct<Isa, Format, true> {
  static void run(const Panels& panels, const ColumnRange& cols, const std::byte* in, std::size_t in_stride,
                  std::int32_t tokens, float* out, std::size_t out_stride) noexcept {
    PanelWork work{panels, cols, in, in_stride, tokens, out, out_stride};
    if constexpr (Isa::kFewTokens > 0) {
      if (tokens <= Isa::kFewTokens) {
        few<Isa::kFewTile>(work, 0);
        return;
      }
    }
    if (tokens <= Columns::kPanelByPanel) {
      [[maybe_unused]] const typename Columns::State state(tokens);
      for (std::int32_t p = 0; p < panels.count; ++p) many(work.only(p), tokens);
      return;
    }
    for (; work.tokens > 0; work.tokens -= kMostTokens) {
      const std::int32_t some = work.tokens < kMostTokens ? work.tokens : kMostTokens;
      [[maybe_unused]] const typename Columns::State state(some);
      many(work, some);
      work.in += kMostTokens * in_stride;
      work.out += kMostTokens * out_stride;
    }
  }

 private:
  using Columns = typename Isa::template TileColumns<ArithmeticOfTiles<Isa, Format>>;
  using Lanes = typename Isa::TileLanes;
  using Rows = typename Isa::Floats;

  static constexpr std::ptrdiff_t kColumnBytes = std::ptrdiff_t{Format::kPanelBlockBytes} * kPanelRows;  // of a block
  static constexpr std::ptrdiff_t kBlock = ArithmeticInRegisters<Isa, Format>::kToken;
  static constexpr std::int32_t kMostTokens = Columns::kMostTokens;
  static constexpr std::ptrdiff_t kPanelSums = std::ptrdiff_t{kMostTokens} * kPanelRows;
  static_assert(Isa::kFewTokens <= kTokenGroup && kMostTokens % kTokenGroup == 0);
  static constexpr std::size_t kFarOutput = std::size_t{2} << 20;  // bytes: about a second-level cache

  /// The tokens from `token` on, all of one group.
  template <int T>
  static void few(const PanelWork& work, std::int32_t token) noexcept {
    for (; token + T <= work.tokens; token += T) {
      typename Isa::Floats sums[kMostPanels][T];
      work.get_all(token, sums);
      RegisterProduct<Isa, Format, T>::multiply(work.panels, work.cols, work.in + kBlock * token, kBlock * work.tokens,
                                                sums);
      work.put_all(token, sums);
    }
    if constexpr (T > 1) few<T / 2>(work, token);
  }

  /// With a State. Panel after panel meets the activations of some columns, while these are near: those of whole rows
  /// may not fit the second-level cache.
  static void many(const PanelWork& work, std::int32_t tokens) noexcept {
    constexpr std::int64_t kDepth = std::int64_t{Columns::kMostPieces} * kActivationBlock;
    float sums[kMostPanels][kPanelSums];
    if (work.cols.first > 0 || work.cols.last == 0) get_sums(work, tokens, sums);
    Columns columns[Isa::kTilePanels];
    const std::byte* const begin = columns_at(work, work.cols.first);
    const std::byte* first = begin;
    for (std::int64_t c = work.cols.first, next = c; c < work.cols.last; c = next) {
      next = next_stop(work, c, kDepth);
      const std::int64_t left = next - c;
      const int blocks = static_cast<int>(left / Format::kBlockElements);
      const std::byte* panel = first;
      const std::ptrdiff_t bytes = kColumnBytes * blocks;
      const std::byte* const then = next == work.cols.last ? begin + work.panels.then : columns_at(work, next);
      const int asks = Columns::pauses(tokens, static_cast<int>(left / kActivationBlock));
      const bool few = asks <= 2;  // too few to ask for weights beside their products
      Ahead ahead(bytes, asks);
      for (std::int32_t p = 0; p < work.panels.count; ++p, panel += work.panels.step) {
        const std::int32_t at = p % Isa::kTilePanels;
        columns[at].template unpack<Format>(panel, blocks, few);
        if (!few) ahead.add(then + p * work.panels.step);
        if (at + 1 == Isa::kTilePanels) {
          multiply<Isa::kTilePanels>(columns, work, c, tokens, sums[p - at], ahead);
        } else if (p + 1 == work.panels.count) {
          for (std::int32_t i = 0; i <= at; ++i) {
            multiply<1>(&columns[i], work, c, tokens, sums[p - at + i], ahead);
          }
        }
      }
      first = then;
    }
    put_sums(work, tokens, sums);
  }

  static const std::byte* columns_at(const PanelWork& work, std::int64_t column) noexcept {
    return work.panels.at(column, Format::kBlockElements, kColumnBytes);
  }
  /// Where columns from `column` on end that lie in one band, at most `most`.
  static std::int64_t next_stop(const PanelWork& work, std::int64_t column, std::int64_t most) noexcept {
    const std::int64_t band_end = (column / work.panels.band_cols + 1) * work.panels.band_cols;
    const std::int64_t end = band_end < work.cols.last ? band_end : work.cols.last;
    return column + most < end ? column + most : end;
  }

  using Sums = float[kPanelSums];  // (tokens, kPanelRows) of a panel, as TileLanes has them

  /// What sums go on from: what is there, or without columns nothing.
  static void get_sums(const PanelWork& work, std::int32_t tokens, Sums* sums) noexcept {
    for (std::int32_t p = 0; p < work.panels.count; ++p) {
      for (std::int32_t t = 0; t < tokens; t += Lanes::kTokens) {
        Rows rows[Lanes::kTokens];
        for (int i = 0; i < Lanes::kTokens; ++i) {
          rows[i] = work.cols.first > 0 && t + i < tokens ? work.get<Rows>(p, t + i) : Rows::splat(0.0F);
        }
        Lanes::from_rows(rows).store(sums[p] + std::ptrdiff_t{kPanelRows} * t);
      }
    }
  }
  static void put_sums(const PanelWork& work, std::int32_t tokens, const Sums* sums) noexcept {
    if constexpr (Isa::kStoresAround) {
      // A line that is written whole need not be fetched first; and of so many, none would stay near until it is read.
      if (work.has_lines_of(tokens, kFarOutput)) {
        put_rows<true>(work, tokens, sums);
        Isa::end_stores_around();
        return;
      }
    }
    put_rows<false>(work, tokens, sums);
  }
  template <bool Around>
  static void put_rows(const PanelWork& work, std::int32_t tokens, const Sums* sums) noexcept {
    for (std::int32_t t = 0; t < tokens; t += Lanes::kTokens) {
      for (std::int32_t p = 0; p < work.panels.count; ++p) {
        Rows rows[Lanes::kTokens];
        Lanes::to_rows(Lanes::Floats::load(sums[p] + std::ptrdiff_t{kPanelRows} * t), rows);
        for (int i = 0; i < Lanes::kTokens && t + i < tokens; ++i) {
          if constexpr (Around) {
            Isa::store_around(rows[i], work.row_of(p, t + i));
          } else {
            work.put(p, t + i, rows[i]);
          }
        }
      }
    }
  }

  /// Adds the products of `tokens` tokens with unpacked columns of P panels, from `c` on, to their `sums`, which begin
  /// with the first.
  template <int P>
  static void multiply(const Columns* columns, const PanelWork& work, std::int64_t c, std::int32_t tokens, float* sums,
                       Ahead& ahead) noexcept {
    Columns::template multiply<P>(
        columns, work.in, static_cast<std::ptrdiff_t>(work.in_stride), c / Format::kBlockElements, tokens, sums,
        kPanelSums, c == 0, [&]() __attribute__((always_inline)) { ahead.ask(P); });
  }
};

}  // namespace covey
