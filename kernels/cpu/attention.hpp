// Attention of some queries over a run of cached positions, in three steps: all scores, their exponentials, the
// weighted sum of values.
//
// Keys and values are widened to F32 a piece at a time, once for all queries; the piece stays in the L1 cache while
// tiles of queries pass over it. A score adds up dimension by dimension and a weighted value position by position, each
// in a lane of its own: so neither depends on the tile, on the piece, or on the width of registers.
#pragma once

#include "kernels/cpu/activation.hpp"
#include "kernels/cpu/attention_piece.hpp"
#include "kernels/cpu/exp.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {

template <class Isa, class Rows>
struct Attention {
  using Floats = typename Isa::Floats;

  // Sums that are kept in registers: all that there are, but for the operands.
  static constexpr int kQueryTile = Floats::kBatches == 1 ? 8 : 4;
  static constexpr int kSums = Floats::kBatches == 1 ? 16 : 4;
  template <int Q>
  static constexpr int kAcross = kSums / Q < 4 ? kSums / Q : 4;  // tiles of keys, or strips of 16 dimensions

  static void run(const KvRun& run, std::int32_t head_dim, const ScoreRule& rule, const AttendQuery* queries,
                  std::int32_t count, float* scratch) noexcept {
    std::int32_t tokens = 0;
    std::int32_t first = queries[0].first;
    for (std::int32_t i = 0; i < count; ++i) {
      tokens = most(tokens, queries[i].tokens);
      first = least(first, queries[i].first);
    }
    first = first / kAttendPiece * kAttendPiece;
    const AttendPieces<Rows> pieces{run, head_dim, tokens, scratch};
    float* const p = scratch + std::ptrdiff_t{kAttendPiece} * whole_lanes(head_dim);  // (queries, stride)
    const std::int32_t stride = whole_lanes(tokens);

    // Where the first tile of queries sees all of a piece, it widens it in passing, which then costs nearly nothing.
    for (std::int32_t from = first; from < tokens; from += kAttendPiece) {
      const AttendPiece piece = pieces.keys(from);
      const bool in_passing = pieces.groups_are_whole() && queries[0].tokens - from >= piece.tokens;
      if (!in_passing) pieces.widen_keys(piece);
      score_tiles<kQueryTile>(piece, in_passing, head_dim, queries, count, p, stride);
    }
    for (std::int32_t i = 0; i < count; ++i) soften(queries[i], rule, p + std::ptrdiff_t{i} * stride);
    for (std::int32_t from = first; from < tokens; from += kAttendPiece) {
      const AttendPiece piece = pieces.values(from);
      bool in_passing = pieces.groups_are_whole();
      for (std::int32_t i = 0; i < kQueryTile && i < count; ++i) {
        in_passing = in_passing && queries[i].first <= from && queries[i].tokens - from >= piece.tokens;
      }
      if (!in_passing) pieces.widen_values(piece);
      weigh_tiles<kQueryTile>(piece, in_passing, whole_lanes(head_dim), queries, count, p, stride);
    }
  }

 private:
  static std::int32_t least(std::int32_t a, std::int32_t b) noexcept { return a < b ? a : b; }
  static std::int32_t most(std::int32_t a, std::int32_t b) noexcept { return a > b ? a : b; }
  static std::int32_t whole_lanes(std::int32_t n) noexcept { return (n + 15) / 16 * 16; }

  // -- Scores ---------------------------------------------------------------------------------------------------------

  /// p[i][t] = q[i] . k[t] for the piece's tokens, and what happens to lie behind up to a whole tile.
  template <int Q>
  static void score_tiles(const AttendPiece& piece, bool widen, std::int32_t head_dim, const AttendQuery* queries,
                          std::int32_t count, float* p, std::int32_t stride) noexcept {
    constexpr int kTiles = kAcross<Q>;
    for (; count >= Q; count -= Q, queries += Q, p += std::ptrdiff_t{Q} * stride, widen = false) {
      std::int32_t seen = 0;
      for (int i = 0; i < Q; ++i) seen = most(seen, queries[i].tokens);
      const std::int32_t tokens = least(seen - piece.from, piece.tokens);
      std::int32_t t = 0;
      for (; t + 16 * (kTiles - 1) < tokens; t += 16 * kTiles) {
        (widen ? score<Q, kTiles, true> : score<Q, kTiles, false>)(piece, t, head_dim, queries, p, stride);
      }
      for (; t < tokens; t += 16) {
        (widen ? score<Q, 1, true> : score<Q, 1, false>)(piece, t, head_dim, queries, p, stride);
      }
    }
    if constexpr (Q > 1) score_tiles<Q / 2>(piece, widen, head_dim, queries, count, p, stride);
  }

  /// For the tokens of the tiles from `at` on. With Widen, keys are read from the cache, and put where others find
  /// them.
  template <int Q, int Tiles, bool Widen>
  [[gnu::flatten, gnu::noinline]] static void score(const AttendPiece& piece, std::int32_t at, std::int32_t head_dim,
                                                    const AttendQuery* queries, float* p,
                                                    std::int32_t stride) noexcept {
    const float* q[Q];
    Floats sums[Q][Tiles];
    unrolled<Q>([&](auto i) {
      q[i] = queries[i].q;
      unrolled<Tiles>([&](auto s) { sums[i][s] = Floats::splat(0.0F); });
    });
    const std::byte* ahead[Tiles];
    typename Rows::KeyReader cached[Tiles];
    if constexpr (Widen) {
      unrolled<Tiles>([&](auto s) {
        ahead[s] = piece.ahead[at / 16 + s];
        cached[s] = Rows::read_keys(piece.source[at / 16 + s]);
      });
    }
    float* const keys = piece.numbers + std::ptrdiff_t{at} * head_dim;
    const std::ptrdiff_t tile = std::ptrdiff_t{head_dim} * 16;
    for (std::ptrdiff_t d = 0; d < head_dim; ++d) {
      Floats k[Tiles];
      unrolled<Tiles>([&](auto s) {
        if constexpr (Widen) {
          k[s] = cached[s].next();
          k[s].store(keys + s * tile + d * 16);
          __builtin_prefetch(ahead[s]);
          ahead[s] += piece.bytes;
        } else {
          k[s] = Floats::load(keys + s * tile + d * 16);
        }
      });
      unrolled<Q>([&](auto i) {
        const Floats x = Floats::splat(q[i][d]);
        unrolled<Tiles>([&](auto s) { sums[i][s] = Isa::fma(x, k[s], sums[i][s]); });
      });
    }
    unrolled<Q>([&](auto i) {
      float* const to = p + std::ptrdiff_t{i} * stride + piece.from + at;
      unrolled<Tiles>([&](auto s) { sums[i][s].store(to + std::ptrdiff_t{s} * 16); });
    });
  }

  // -- Exponentials ---------------------------------------------------------------------------------------------------

  /// Replaces a query's scores by exp(score - maximum), the scores as `rule` makes them.
  [[gnu::flatten]] static void soften(const AttendQuery& query, const ScoreRule& rule, float* p) noexcept {
    const std::int32_t begin = query.first / 16 * 16;
    const std::int32_t whole = whole_lanes(query.tokens);
    Floats scales = Floats::splat(rule.scale);
    if (rule.softcap > 0.0F) {
      const Floats cap = Floats::splat(rule.softcap);
      for (std::int32_t t = begin; t < whole; t += 16) {
        softcap_of<Isa>(Floats::load(p + t) * scales, cap).store(p + t);
      }
      scales = Floats::splat(1.0F);
    }
    for (std::int32_t t = begin; t < query.first; ++t) p[t] = -__builtin_inff();
    for (std::int32_t t = query.tokens; t < whole; ++t) p[t] = -__builtin_inff();

    Floats highest = Floats::splat(-__builtin_inff());
    for (std::int32_t t = begin; t < whole; t += 16) {
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
    for (std::int32_t t = begin; t < whole; t += 16) {
      const Floats e = exp<Isa>(Floats::load(p + t) - peak);
      e.store(p + t);
      total = total + e;
    }
    *query.maximum = maximum;
    *query.sum = Isa::sum(total);
  }

  // -- Weighted values ------------------------------------------------------------------------------------------------

  /// weighted[i] += sum of p[i][t] v[t] over the piece's tokens that query i sees; its first begins it.
  template <int Q>
  static void weigh_tiles(const AttendPiece& piece, bool widen, std::int32_t width, const AttendQuery* queries,
                          std::int32_t count, const float* p, std::int32_t stride) noexcept {
    for (; count >= Q; count -= Q, queries += Q, p += std::ptrdiff_t{Q} * stride, widen = false) {
      std::int32_t begin = 0;  // what all of the tile see
      std::int32_t end = piece.tokens;
      for (int i = 0; i < Q; ++i) {
        begin = most(begin, queries[i].first - piece.from);
        end = least(end, queries[i].tokens - piece.from);
      }
      if (begin >= end) begin = end = 0;
      // Positions that only some of the tile see are left out for the others, because 0 * infinity is not 0.
      for (int i = 0; i < Q; ++i) {
        const std::int32_t from = most(0, queries[i].first - piece.from);
        const std::int32_t to = least(begin, queries[i].tokens - piece.from);
        weigh<1, false>(piece, from, to, width, queries + i, p + std::ptrdiff_t{i} * stride, stride);
      }
      (widen ? weigh<Q, true> : weigh<Q, false>)(piece, begin, end, width, queries, p, stride);
      for (int i = 0; i < Q; ++i) {
        const std::int32_t from = most(end, queries[i].first - piece.from);
        const std::int32_t to = least(piece.tokens, queries[i].tokens - piece.from);
        weigh<1, false>(piece, from, to, width, queries + i, p + std::ptrdiff_t{i} * stride, stride);
      }
    }
    if constexpr (Q > 1) weigh_tiles<Q / 2>(piece, widen, width, queries, count, p, stride);
  }

  template <int Q, bool Widen>
  static void weigh(const AttendPiece& piece, std::int32_t begin, std::int32_t end, std::int32_t width,
                    const AttendQuery* queries, const float* p, std::int32_t stride) noexcept {
    if (begin >= end) return;
    constexpr int kStrips = kAcross<Q>;
    std::int32_t d = 0;
    for (; d + 16 * kStrips <= width; d += 16 * kStrips) {
      weigh_strips<Q, kStrips, Widen>(piece, begin, end, width, d, queries, p, stride);
    }
    for (; d < width; d += 16) weigh_strips<Q, 1, Widen>(piece, begin, end, width, d, queries, p, stride);
  }

  /// For dimensions from d on. With Widen, values are read from the cache, and put where others find them.
  template <int Q, int Strips, bool Widen>
  [[gnu::flatten, gnu::noinline]] static void weigh_strips(const AttendPiece& piece, std::int32_t begin,
                                                           std::int32_t end, std::int32_t width, std::int32_t d,
                                                           const AttendQuery* queries, const float* p,
                                                           std::int32_t stride) noexcept {
    const float* weights[Q];
    Floats sums[Q][Strips];
    unrolled<Q>([&](auto i) {
      weights[i] = p + std::ptrdiff_t{i} * stride + piece.from;
      const float* const before = queries[i].weighted + d;
      const bool fresh = piece.from + begin == queries[i].first;
      unrolled<Strips>(
          [&](auto s) { sums[i][s] = fresh ? Floats::splat(0.0F) : Floats::load(before + std::ptrdiff_t{s} * 16); });
    });
    const std::size_t strip_bytes = 16 * piece.bytes / static_cast<std::size_t>(width);
    const std::size_t column = strip_bytes * static_cast<std::size_t>(d / 16);
    for (std::ptrdiff_t t = begin; t < end;) {
      const std::ptrdiff_t group = t / 16;
      const std::ptrdiff_t group_end = group * 16 + 16 < end ? group * 16 + 16 : end;
      const std::size_t skipped = static_cast<std::size_t>(t % 16) * piece.bytes;
      const std::byte* ahead = piece.ahead[group] + skipped + column;
      const std::byte* row = piece.source[group] + skipped;
      float* value = piece.numbers + t * width + d;
      for (; t < group_end; ++t, value += width, ahead += piece.bytes, row += piece.bytes) {
        Floats v[Strips];
        unrolled<Strips>([&](auto s) {
          if constexpr (Widen) {
            v[s] = Rows::value(row, d + 16 * s);
            v[s].store(value + std::ptrdiff_t{s} * 16);
            __builtin_prefetch(ahead + strip_bytes * s);
          } else {
            v[s] = Floats::load(value + std::ptrdiff_t{s} * 16);
          }
        });
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
