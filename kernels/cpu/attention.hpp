// Attention of some queries over a run of cached positions, in three steps: all scores, their exponentials, the
// weighted sum of values.
//
// Keys and values are widened to F32 a piece at a time, once for all queries; the piece stays in the L1 cache while
// tiles of queries pass over it. A score adds up dimension by dimension and a weighted value position by position, each
// in a lane of its own: so neither depends on the tile, on the piece, or on the width of registers.
#pragma once

#include "kernels/cpu/exp.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/kv_rows.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

/// The widened keys, or values, of the positions from, from + 1, … of a run.
struct AttendPiece {
  const float* numbers;  // keys: (tiles, head_dim, 16); values: (tokens, padded_head_dim)
  std::int32_t from;
  std::int32_t tokens;
  // What memory should fetch meanwhile, 16 tokens each: the tiles of keys, or rows of values, that come next. The
  // machine sees no pattern in blocks, and a widening loop that waits for them would take as long as all the rest.
  const std::byte* ahead[kAttendPiece / 16];
  std::size_t ahead_bytes;  // of a tile's dimension, or of a row
};

template <class Isa, class Rows>
struct Attention {
  using Floats = typename Isa::Floats;

  // Sums that are kept in registers: all that there are, but for the operands.
  static constexpr int kQueryTile = Floats::kBatches == 1 ? 8 : 4;
  static constexpr int kSums = Floats::kBatches == 1 ? 16 : 4;
  template <int Q>
  static constexpr int kAcross = kSums / Q < 4 ? kSums / Q : 4;  // tiles of keys, or strips of 16 dimensions

  static void run(const KvRun& run, std::int32_t head_dim, float scale, const AttendQuery* queries, std::int32_t count,
                  float* scratch) noexcept {
    std::int32_t tokens = 0;
    for (std::int32_t i = 0; i < count; ++i) tokens = most(tokens, queries[i].tokens);
    float* const numbers = scratch;
    float* const p = scratch + std::ptrdiff_t{kAttendPiece} * whole_lanes(head_dim);  // (queries, stride)
    const std::int32_t stride = whole_lanes(tokens);

    for (std::int32_t from = 0; from < tokens; from += kAttendPiece) {
      AttendPiece piece{numbers,
                        from,
                        least(kAttendPiece, tokens - from),
                        {},
                        Rows::key_tile_bytes(head_dim) / static_cast<std::size_t>(head_dim)};
      for (std::int32_t i = 0; i < kAttendPiece / 16; ++i) {
        const std::int32_t next = least(from + kAttendPiece + 16 * i, tokens - 1);
        piece.ahead[i] = keys_of(run, next) +
                         static_cast<std::size_t>(next % run.block_tokens / 16) * Rows::key_tile_bytes(head_dim);
      }
      widen_keys(run, head_dim, piece, numbers);
      score_tiles<kQueryTile>(piece, head_dim, queries, count, p, stride);
    }
    for (std::int32_t i = 0; i < count; ++i) soften(queries[i], scale, p + std::ptrdiff_t{i} * stride);
    for (std::int32_t from = 0; from < tokens; from += kAttendPiece) {
      AttendPiece piece{numbers, from, least(kAttendPiece, tokens - from), {}, Rows::value_row_bytes(head_dim)};
      for (std::int32_t i = 0; i < kAttendPiece / 16; ++i) {
        const std::int32_t next = least(from + kAttendPiece + 16 * i, tokens - 1);
        piece.ahead[i] = keys_of(run, next) + run.to_values +
                         static_cast<std::size_t>(next % run.block_tokens) * Rows::value_row_bytes(head_dim);
      }
      widen_values(run, head_dim, piece, numbers);
      weigh_tiles<kQueryTile>(piece, whole_lanes(head_dim), queries, count, p, stride);
    }
  }

 private:
  static std::int32_t least(std::int32_t a, std::int32_t b) noexcept { return a < b ? a : b; }
  static std::int32_t most(std::int32_t a, std::int32_t b) noexcept { return a > b ? a : b; }
  static std::int32_t whole_lanes(std::int32_t n) noexcept { return (n + 15) / 16 * 16; }

  // -- Widening -------------------------------------------------------------------------------------------------------

  static const std::byte* keys_of(const KvRun& run, std::int32_t position) noexcept {
    return run.first_keys + static_cast<std::size_t>(run.blocks[position / run.block_tokens]) * run.block_bytes;
  }

  static void widen_keys(const KvRun& run, std::int32_t head_dim, const AttendPiece& piece, float* out) noexcept {
    const std::size_t tile_bytes = Rows::key_tile_bytes(head_dim);
    std::int32_t next = 0;
    for (std::int32_t at = 0; at < piece.tokens; at = next) {
      const std::int32_t offset = (piece.from + at) % run.block_tokens;
      const std::int32_t lane = offset % 16;
      const std::byte* const tile = keys_of(run, piece.from + at) + static_cast<std::size_t>(offset / 16) * tile_bytes;
      const std::int32_t here = least(least(16 - lane, run.block_tokens - offset), piece.tokens - at);
      next = at + here;
      float* const to = out + std::ptrdiff_t{at / 16} * 16 * head_dim;
      if (lane == 0 && at % 16 == 0 && (here == 16 || next == piece.tokens)) {
        Rows::load_keys(tile, head_dim, to);
      } else {
        shift_keys(tile, head_dim, lane, here, at, out);
      }
    }
  }

  /// Where blocks are not whole tiles: lanes `lane` to `lane + tokens` of a tile become the piece's from `at` on.
  static void shift_keys(const std::byte* tile, std::int32_t head_dim, std::int32_t lane, std::int32_t tokens,
                         std::int32_t at, float* out) noexcept {
    constexpr std::int32_t kRows = 32;  // the most that Rows read at a time
    float widened[kRows * 16];
    for (std::int32_t first = 0; first < head_dim; first += kRows) {
      const std::int32_t rows = least(kRows, head_dim - first);
      Rows::load_keys(tile + Rows::key_tile_bytes(first), rows, widened);
      for (std::int32_t t = 0; t < tokens; ++t) {
        float* const to = out + (std::ptrdiff_t{(at + t) / 16} * head_dim + first) * 16 + (at + t) % 16;
        for (std::ptrdiff_t d = 0; d < rows; ++d) to[16 * d] = widened[16 * d + lane + t];
      }
    }
  }

  static void widen_values(const KvRun& run, std::int32_t head_dim, const AttendPiece& piece, float* out) noexcept {
    const std::size_t row_bytes = Rows::value_row_bytes(head_dim);
    const std::int32_t width = whole_lanes(head_dim);
    for (std::int32_t at = 0; at < piece.tokens;) {
      const std::int32_t offset = (piece.from + at) % run.block_tokens;
      const std::byte* row =
          keys_of(run, piece.from + at) + run.to_values + static_cast<std::size_t>(offset) * row_bytes;
      const std::int32_t end = at + least(run.block_tokens - offset, piece.tokens - at);
      for (; at < end; ++at, row += row_bytes, out += width) Rows::load_value(row, head_dim, out);
    }
  }

  // -- Scores ---------------------------------------------------------------------------------------------------------

  /// p[i][t] = q[i] . k[t] for the piece's tokens, and what happens to lie behind up to a whole tile.
  template <int Q>
  static void score_tiles(const AttendPiece& piece, std::int32_t head_dim, const AttendQuery* queries,
                          std::int32_t count, float* p, std::int32_t stride) noexcept {
    constexpr int kTiles = kAcross<Q>;
    for (; count >= Q; count -= Q, queries += Q, p += std::ptrdiff_t{Q} * stride) {
      std::int32_t seen = 0;
      for (int i = 0; i < Q; ++i) seen = most(seen, queries[i].tokens);
      const std::int32_t tokens = least(seen - piece.from, piece.tokens);
      std::int32_t t = 0;
      for (; t + 16 * (kTiles - 1) < tokens; t += 16 * kTiles) {
        score<Q, kTiles>(piece, t, head_dim, queries, p + piece.from + t, stride);
      }
      for (; t < tokens; t += 16) {
        score<Q, 1>(piece, t, head_dim, queries, p + piece.from + t, stride);
      }
    }
    if constexpr (Q > 1) score_tiles<Q / 2>(piece, head_dim, queries, count, p, stride);
  }

  template <int Q, int Tiles>
  [[gnu::flatten, gnu::noinline]] static void score(const AttendPiece& piece, std::int32_t at, std::int32_t head_dim,
                                                    const AttendQuery* queries, float* p,
                                                    std::int32_t stride) noexcept {
    const float* q[Q];
    Floats sums[Q][Tiles];
    unrolled<Q>([&](auto i) {
      q[i] = queries[i].q;
      unrolled<Tiles>([&](auto s) { sums[i][s] = Floats::splat(0.0F); });
    });
    const float* const keys = piece.numbers + std::ptrdiff_t{at} * head_dim;
    const std::ptrdiff_t tile = std::ptrdiff_t{head_dim} * 16;
    const std::byte* ahead[Tiles];
    unrolled<Tiles>([&](auto s) { ahead[s] = piece.ahead[at / 16 + s]; });
    for (std::ptrdiff_t d = 0; d < head_dim; ++d) {
      Floats k[Tiles];
      unrolled<Tiles>([&](auto s) {
        k[s] = Floats::load(keys + s * tile + d * 16);
        __builtin_prefetch(ahead[s]);
        ahead[s] += piece.ahead_bytes;
      });
      unrolled<Q>([&](auto i) {
        const Floats x = Floats::splat(q[i][d]);
        unrolled<Tiles>([&](auto s) { sums[i][s] = Isa::fma(x, k[s], sums[i][s]); });
      });
    }
    unrolled<Q>([&](auto i) {
      unrolled<Tiles>([&](auto s) { sums[i][s].store(p + std::ptrdiff_t{i} * stride + std::ptrdiff_t{s} * 16); });
    });
  }

  // -- Exponentials ---------------------------------------------------------------------------------------------------

  /// Replaces a query's scores by exp(scale * score - maximum).
  [[gnu::flatten]] static void soften(const AttendQuery& query, float scale, float* p) noexcept {
    const std::int32_t whole = whole_lanes(query.tokens);
    for (std::int32_t t = query.tokens; t < whole; ++t) p[t] = -__builtin_inff();

    const Floats scales = Floats::splat(scale);
    Floats highest = Floats::splat(-__builtin_inff());
    for (std::int32_t t = 0; t < whole; t += 16) {
      const Floats scaled = Floats::load(p + t) * scales;
      scaled.store(p + t);
      highest = max(scaled, highest);
    }
    float lanes[16];
    highest.store(lanes);
    float maximum = lanes[0];
    for (const float lane : lanes) maximum = lane > maximum ? lane : maximum;

    const Floats peak = Floats::splat(maximum);
    Floats total = Floats::splat(0.0F);
    for (std::int32_t t = 0; t < whole; t += 16) {
      const Floats e = exp<Isa>(Floats::load(p + t) - peak);
      e.store(p + t);
      total = total + e;
    }
    *query.maximum = maximum;
    *query.sum = Isa::sum(total);
  }

  // -- Weighted values ------------------------------------------------------------------------------------------------

  /// weighted[i] += sum of p[i][t] v[t] over the piece's tokens that query i sees; those of the first begin it.
  template <int Q>
  static void weigh_tiles(const AttendPiece& piece, std::int32_t width, const AttendQuery* queries, std::int32_t count,
                          const float* p, std::int32_t stride) noexcept {
    for (; count >= Q; count -= Q, queries += Q, p += std::ptrdiff_t{Q} * stride) {
      std::int32_t common = piece.tokens;
      for (int i = 0; i < Q; ++i) common = least(common, queries[i].tokens - piece.from);
      common = most(common, 0);
      if (common > 0) weigh<Q>(piece, 0, common, width, queries, p, stride);
      // Positions that only some of the tile see are left out for the others, because 0 * infinity is not 0.
      for (int i = 0; i < Q; ++i) {
        const std::int32_t seen = least(piece.tokens, queries[i].tokens - piece.from);
        if (seen > common) weigh<1>(piece, common, seen, width, queries + i, p + std::ptrdiff_t{i} * stride, stride);
      }
    }
    if constexpr (Q > 1) weigh_tiles<Q / 2>(piece, width, queries, count, p, stride);
  }

  template <int Q>
  static void weigh(const AttendPiece& piece, std::int32_t begin, std::int32_t end, std::int32_t width,
                    const AttendQuery* queries, const float* p, std::int32_t stride) noexcept {
    constexpr int kStrips = kAcross<Q>;
    std::int32_t d = 0;
    for (; d + 16 * kStrips <= width; d += 16 * kStrips) {
      weigh_strips<Q, kStrips>(piece, begin, end, width, d, queries, p, stride);
    }
    for (; d < width; d += 16) weigh_strips<Q, 1>(piece, begin, end, width, d, queries, p, stride);
  }

  template <int Q, int Strips>
  [[gnu::flatten, gnu::noinline]] static void weigh_strips(const AttendPiece& piece, std::int32_t begin,
                                                           std::int32_t end, std::int32_t width, std::int32_t d,
                                                           const AttendQuery* queries, const float* p,
                                                           std::int32_t stride) noexcept {
    const bool fresh = piece.from + begin == 0;
    const float* weights[Q];
    Floats sums[Q][Strips];
    unrolled<Q>([&](auto i) {
      weights[i] = p + std::ptrdiff_t{i} * stride + piece.from;
      unrolled<Strips>([&](auto s) {
        sums[i][s] = fresh ? Floats::splat(0.0F) : Floats::load(queries[i].weighted + d + std::ptrdiff_t{s} * 16);
      });
    });
    const float* value = piece.numbers + std::ptrdiff_t{begin} * width + d;
    const std::size_t column = piece.ahead_bytes * static_cast<std::size_t>(d) / static_cast<std::size_t>(width);
    const std::size_t strip_bytes = 16 * piece.ahead_bytes / static_cast<std::size_t>(width);
    for (std::ptrdiff_t t = begin; t < end;) {
      const std::ptrdiff_t until = least(static_cast<std::int32_t>(t) / 16 * 16 + 16, end);
      const std::byte* ahead = piece.ahead[t / 16] + column;
      for (; t < until; ++t, value += width) {
        Floats v[Strips];
        unrolled<Strips>([&](auto s) {
          v[s] = Floats::load(value + std::ptrdiff_t{s} * 16);
          __builtin_prefetch(ahead + strip_bytes * s);
        });
        ahead += piece.ahead_bytes;
        unrolled<Q>([&](auto i) {
          const Floats x = Floats::splat(weights[i][t]);
          unrolled<Strips>([&](auto s) { sums[i][s] = Isa::fma(x, v[s], sums[i][s]); });
        });
      }
    }
    unrolled<Q>([&](auto i) {
      unrolled<Strips>([&](auto s) { sums[i][s].store(queries[i].weighted + d + std::ptrdiff_t{s} * 16); });
    });
  }
};

}  // namespace covey
