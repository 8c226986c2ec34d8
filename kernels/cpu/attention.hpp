// Attention of some queries over a run of cached positions, in three steps: all scores, their exponentials, the
// weighted sum of values.
//
// One tile of queries reads the cache as it goes. For more, keys and values are widened to F32 a piece at a time, once
// for all queries; the piece stays in the L1 cache while tiles of queries pass over it. A score adds up dimension by
// dimension and a weighted value position by position, each in a lane of its own: so neither depends on the tile, on
// the piece, or on the width of registers.
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
  using Pieces = AttendPieces<Rows>;

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
    const std::int32_t piece_tokens = attend_piece(head_dim);
    first = first / piece_tokens * piece_tokens;
    const Pieces pieces{run, head_dim, tokens, scratch};
    float* const scores = scratch + std::ptrdiff_t{piece_tokens} * whole_lanes(head_dim);
    const std::int32_t groups = (tokens + kGroup - 1) / kGroup;
    const bool one_tile = count <= kQueryTile && (count & (count - 1)) == 0 && pieces.tiles_are_whole();
    const std::int32_t step = one_tile ? tokens - first : piece_tokens;

    for (std::int32_t from = first; from < tokens; from += step) {
      const AttendPiece piece = pieces.piece(from, step);
      // Where the first tile of queries sees all of a piece, it widens it in passing, which then costs nearly nothing.
      const bool in_passing = pieces.tiles_are_whole() && queries[0].tokens - from >= piece.tokens;
      if (!one_tile && !in_passing) pieces.widen_keys(piece);
      score_tiles<kQueryTile>(pieces, piece, read_of(one_tile, in_passing), queries, count, {scores, groups});
    }
    soften_tiles<kQueryTile>(rule, queries, count, {scores, groups});
    for (std::int32_t from = first; from < tokens; from += step) {
      const AttendPiece piece = pieces.piece(from, step);
      bool in_passing = pieces.tiles_are_whole();
      for (std::int32_t i = 0; i < kQueryTile && i < count; ++i) {
        in_passing = in_passing && queries[i].first <= from && queries[i].tokens - from >= piece.tokens;
      }
      if (!one_tile && !in_passing) pieces.widen_values(piece);
      weigh_tiles<kQueryTile>(pieces, piece, read_of(one_tile, in_passing), queries, count, {scores, groups});
    }
  }

 private:
  /// Where numbers come from: the cache, the same and they are put where others find them, or from there.
  enum class Read { cached, widening, widened };
  static Read read_of(bool one_tile, bool in_passing) noexcept {
    if (one_tile) return Read::cached;
    return in_passing ? Read::widening : Read::widened;
  }

  /// Scores, and what becomes of them, of tiles of queries one after the other. A tile's: (groups, queries, kGroup).
  struct Scores {
    float* tile;
    std::int32_t groups;

    Scores after(int queries) const noexcept { return {tile + std::ptrdiff_t{queries} * groups * kGroup, groups}; }
  };
  static constexpr std::int32_t kGroup = kAttendGroup;  // tokens
  static_assert(kGroup == 2 * 16);

  static constexpr std::ptrdiff_t kLine = 64;

  static std::int32_t least(std::int32_t a, std::int32_t b) noexcept { return a < b ? a : b; }
  static std::int32_t most(std::int32_t a, std::int32_t b) noexcept { return a > b ? a : b; }
  static std::int32_t whole_lanes(std::int32_t n) noexcept { return (n + 15) / 16 * 16; }
  /// To the second-level cache: there is a whole run until it is read.
  [[gnu::always_inline]] static void fetch(const std::byte* line) noexcept { __builtin_prefetch(line, 0, 2); }

  // -- Scores ---------------------------------------------------------------------------------------------------------

  /// q[i] . k[t] for the piece's tokens, and what happens to lie behind up to a whole tile.
  template <int Q>
  static void score_tiles(const Pieces& pieces, const AttendPiece& piece, Read read, const AttendQuery* queries,
                          std::int32_t count, Scores scores) noexcept {
    for (; count >= Q; count -= Q, queries += Q, scores = scores.after(Q)) {
      std::int32_t seen = 0;
      for (int i = 0; i < Q; ++i) seen = most(seen, queries[i].tokens);
      const std::int32_t tokens = least(seen - piece.from, piece.tokens);
      switch (read) {
        case Read::cached:
          score_tile<Q, Read::cached>(pieces, piece.from, tokens, queries, scores.tile);
          break;
        case Read::widening:
          score_tile<Q, Read::widening>(pieces, piece.from, tokens, queries, scores.tile);
          read = Read::widened;
          break;
        case Read::widened:
          score_tile<Q, Read::widened>(pieces, piece.from, tokens, queries, scores.tile);
      }
    }
    if constexpr (Q > 1) score_tiles<Q / 2>(pieces, piece, read, queries, count, scores);
  }

  template <int Q, Read kRead>
  [[gnu::flatten, gnu::noinline]] static void score_tile(const Pieces& pieces, std::int32_t from, std::int32_t tokens,
                                                         const AttendQuery* queries, float* scores) noexcept {
    constexpr int kTiles = kAcross<Q>;
    const float* q[Q];
    unrolled<Q>([&](auto i) { q[i] = queries[i].q; });
    float* const to = scores + std::ptrdiff_t{from} * Q;
    auto place = pieces.place_of(from);
    std::int32_t t = 0;
    for (; t + 16 * (kTiles - 1) < tokens; t += 16 * kTiles) score<Q, kTiles, kRead>(pieces, place, t, q, to);
    for (; t < tokens; t += 16) score<Q, 1, kRead>(pieces, place, t, q, to);
  }

  /// For as many tokens as `Tiles` tiles have: in the cache from `place` on, which moves on, in the piece from `at` on.
  template <int Q, int Tiles, Read kRead>
  [[gnu::always_inline]] static void score(const Pieces& pieces, typename Pieces::Place& place, std::int32_t at,
                                           const float* const (&q)[Q], float* scores) noexcept {
    Floats sums[Q][Tiles];
    const std::byte* ahead[Tiles];
    typename Rows::KeyReader cached[Tiles];
    unrolled<Q>([&](auto i) { unrolled<Tiles>([&](auto s) { sums[i][s] = Floats::splat(0.0F); }); });
    if constexpr (kRead != Read::widened) {
      unrolled<Tiles>([&](auto s) {
        const CachedTile tile = pieces.key_tile(place);
        cached[s] = Rows::read_keys(tile.here);
        ahead[s] = tile.ahead;
        place = pieces.after_tile(place);
      });
    }
    const std::int32_t head_dim = pieces.head_dim;
    float* const keys = kRead == Read::cached ? nullptr : pieces.numbers + std::ptrdiff_t{at} * head_dim;
    const std::ptrdiff_t tile = std::ptrdiff_t{head_dim} * 16;
    constexpr std::ptrdiff_t kBytes = 16 * Rows::kBytes * Tiles;  // of a dimension
    std::ptrdiff_t d = 0;
    // Of the dimensions: with each, the lines of one tile come.
    constexpr int kParts = kRead == Read::widened ? 1 : Tiles;
    for (int part = 0; part < kParts; ++part) {
      const std::byte* line = kRead == Read::widened ? nullptr : ahead[part];
      for (const std::ptrdiff_t end = std::ptrdiff_t{head_dim} * (part + 1) / kParts; d < end; ++d) {
        Floats k[Tiles];
        unrolled<Tiles>([&](auto s) {
          if constexpr (kRead == Read::widened) {
            k[s] = Floats::load(keys + s * tile + d * 16);
          } else {
            k[s] = cached[s].next();
          }
          if constexpr (kRead == Read::widening) k[s].store(keys + s * tile + d * 16);
        });
        if constexpr (kRead != Read::widened) {
          unrolled<(kBytes + kLine - 1) / kLine>([&](auto i) { fetch(line + kLine * i); });
          line += kBytes;
        }
        unrolled<Q>([&](auto i) {
          const Floats x = Floats::splat(q[i][d]);
          unrolled<Tiles>([&](auto s) { sums[i][s] = Isa::fma(x, k[s], sums[i][s]); });
        });
      }
    }
    unrolled<Tiles>([&](auto s) {
      float* const to = of_query<Q>(scores, at + 16 * s);
      unrolled<Q>([&](auto i) { sums[i][s].store(to + i * kGroup); });
    });
  }

  // -- Exponentials ---------------------------------------------------------------------------------------------------

  /// Replaces scores by exp(score - maximum), the scores as `rule` makes them.
  template <int Q>
  [[gnu::flatten]] static void soften_tiles(const ScoreRule& rule, const AttendQuery* queries, std::int32_t count,
                                            Scores scores) noexcept {
    for (; count >= Q; count -= Q, queries += Q, scores = scores.after(Q)) {
      // All maxima first: each takes long, but they do not wait for one another.
      for (int i = 0; i < Q; ++i) find_maximum<Q>(queries[i], rule, scores.tile + std::ptrdiff_t{i} * kGroup);
      for (int i = 0; i < Q; ++i) soften<Q>(queries[i], rule, scores.tile + std::ptrdiff_t{i} * kGroup);
    }
    if constexpr (Q > 1) soften_tiles<Q / 2>(rule, queries, count, scores);
  }

  /// Of a query's scores. They are capped on the way, if they are to be, and in groups of which it sees some, those it
  /// does not see become -infinity.
  template <int Q>
  [[gnu::always_inline]] static void find_maximum(const AttendQuery& query, const ScoreRule& rule,
                                                  float* scores) noexcept {
    const std::int32_t begin = query.first / kGroup * kGroup;
    const std::int32_t end = (query.tokens + kGroup - 1) / kGroup * kGroup;
    float* const from = of_query<Q>(scores, begin);
    float* const last = of_query<Q>(scores, end);
    if (rule.softcap > 0.0F) {
      const Floats cap = Floats::splat(rule.softcap);
      for (float* group = from; group < last; group += Q * kGroup) {
        for (float* at = group; at < group + kGroup; at += 16) {
          softcap_of<Isa>(Floats::load(at) * Floats::splat(rule.scale), cap).store(at);
        }
      }
    }
    for (std::int32_t t = begin; t < query.first; ++t) *of_query<Q>(scores, t) = -__builtin_inff();
    for (std::int32_t t = query.tokens; t < end; ++t) *of_query<Q>(scores, t) = -__builtin_inff();

    Floats highest[2] = {Floats::splat(-__builtin_inff()), Floats::splat(-__builtin_inff())};
    for (const float* group = from; group < last; group += Q * kGroup) {
      for (int i = 0; i < 2; ++i) highest[i] = max(Floats::load(group + 16 * i), highest[i]);
    }
    *query.maximum = Isa::greatest(max(highest[0], highest[1])) * scale_left(rule);
  }

  /// The score of token t in a tile of Q queries, from that of the first token on.
  template <int Q, class Float>
  static Float* of_query(Float* scores, std::int32_t t) noexcept {
    return scores + std::ptrdiff_t{t / kGroup} * Q * kGroup + t % kGroup;
  }
  /// What scores are still to be multiplied by.
  static float scale_left(const ScoreRule& rule) noexcept { return rule.softcap > 0.0F ? 1.0F : rule.scale; }

  template <int Q>
  [[gnu::always_inline]] static void soften(const AttendQuery& query, const ScoreRule& rule, float* scores) noexcept {
    const Floats scale = Floats::splat(scale_left(rule));
    const Floats less = Floats::splat(-*query.maximum);
    Floats total = Floats::splat(0.0F);
    float* const last = of_query<Q>(scores, (query.tokens + kGroup - 1) / kGroup * kGroup);
    for (float* group = of_query<Q>(scores, query.first / kGroup * kGroup); group < last; group += Q * kGroup) {
      Floats e[2];
      for (int i = 0; i < 2; ++i) {
        e[i] = exp_of_negative<Isa>(Isa::fma(Floats::load(group + 16 * i), scale, less));
        e[i].store(group + 16 * i);
      }
      total = total + e[0] + e[1];
    }
    *query.sum = Isa::sum(total);
  }

  // -- Weighted values ------------------------------------------------------------------------------------------------

  /// weighted[i] += sum of weights[i][t] v[t] over the piece's tokens that query i sees; its first begins it.
  template <int Q>
  static void weigh_tiles(const Pieces& pieces, const AttendPiece& piece, Read read, const AttendQuery* queries,
                          std::int32_t count, Scores scores) noexcept {
    for (; count >= Q; count -= Q, queries += Q, scores = scores.after(Q)) {
      const float* const weights = scores.tile + std::ptrdiff_t{piece.from} * Q;
      std::int32_t begin = 0;  // what all of the tile see
      std::int32_t end = piece.tokens;
      for (int i = 0; i < Q; ++i) {
        begin = most(begin, queries[i].first - piece.from);
        end = least(end, queries[i].tokens - piece.from);
      }
      if (begin >= end) begin = end = 0;
      // Positions that only some of the tile see are left out for the others, because 0 * infinity is not 0.
      const auto weigh_alone = [&](std::int32_t i, std::int32_t first, std::int32_t last) {
        if (read == Read::cached) {
          weigh<1, Q, Read::cached>(pieces, piece.from, first, last, queries + i, weights + std::ptrdiff_t{i} * kGroup);
        } else {
          weigh<1, Q, Read::widened>(pieces, piece.from, first, last, queries + i,
                                     weights + std::ptrdiff_t{i} * kGroup);
        }
      };
      for (int i = 0; i < Q; ++i) {
        weigh_alone(i, most(0, queries[i].first - piece.from), least(begin, queries[i].tokens - piece.from));
      }
      switch (read) {
        case Read::cached:
          weigh<Q, Q, Read::cached>(pieces, piece.from, begin, end, queries, weights);
          break;
        case Read::widening:
          weigh<Q, Q, Read::widening>(pieces, piece.from, begin, end, queries, weights);
          read = Read::widened;
          break;
        case Read::widened:
          weigh<Q, Q, Read::widened>(pieces, piece.from, begin, end, queries, weights);
      }
      for (int i = 0; i < Q; ++i) {
        weigh_alone(i, most(end, queries[i].first - piece.from), least(piece.tokens, queries[i].tokens - piece.from));
      }
    }
    if constexpr (Q > 1) weigh_tiles<Q / 2>(pieces, piece, read, queries, count, scores);
  }

  /// For the tokens from + begin to from + end, of Q queries of a tile of so many.
  template <int Q, int Tile, Read kRead>
  static void weigh(const Pieces& pieces, std::int32_t from, std::int32_t begin, std::int32_t end,
                    const AttendQuery* queries, const float* weights) noexcept {
    if (begin >= end) return;
    constexpr int kStrips = kAcross<Q>;
    const std::int32_t width = whole_lanes(pieces.head_dim);
    std::int32_t d = 0;
    for (; d + 16 * kStrips <= width; d += 16 * kStrips) {
      weigh_strips<Q, Tile, kStrips, kRead>(pieces, from, begin, end, d, queries, weights);
    }
    for (; d < width; d += 16) weigh_strips<Q, Tile, 1, kRead>(pieces, from, begin, end, d, queries, weights);
  }

  /// For dimensions from d on.
  template <int Q, int Tile, int Strips, Read kRead>
  [[gnu::flatten, gnu::noinline]] static void weigh_strips(const Pieces& pieces, std::int32_t from, std::int32_t begin,
                                                           std::int32_t end, std::int32_t d, const AttendQuery* queries,
                                                           const float* weights) noexcept {
    constexpr std::ptrdiff_t kBytes = 16 * Rows::kBytes * Strips;
    Floats sums[Q][Strips];
    unrolled<Q>([&](auto i) {
      const float* const before = queries[i].weighted + d;
      const bool fresh = from + begin == queries[i].first;
      unrolled<Strips>(
          [&](auto s) { sums[i][s] = fresh ? Floats::splat(0.0F) : Floats::load(before + std::ptrdiff_t{s} * 16); });
    });
    const std::ptrdiff_t width = whole_lanes(pieces.head_dim);
    const std::size_t row_bytes = Rows::value_row_bytes(pieces.head_dim);
    auto place = pieces.place_of(from + begin);
    for (std::int32_t t = begin; t < end;) {
      // Rows of a block lie together; widened, all do.
      std::int32_t rows = end - t;
      float* value = nullptr;
      CachedRows row{};
      if constexpr (kRead != Read::cached) value = pieces.numbers + t * width + d;
      if constexpr (kRead != Read::widened) {
        row = pieces.value_rows(place);
        place = Pieces::after_block(place);
        rows = least(rows, row.count);
        // Ahead, each pass over the rows of a block asks for lines that lie together.
        row.ahead += std::ptrdiff_t{pieces.run.block_tokens} * d * Rows::kBytes + row.before * kBytes;
      }
      for (const std::int32_t last = t + rows; t < last;) {
        const std::int32_t here = least(kGroup - t % kGroup, last - t);
        const float* weight = of_query<Tile>(weights, t);
        t += here;
        for (const float* const weights_end = weight + here; weight < weights_end; ++weight) {
          Floats v[Strips];
          unrolled<Strips>([&](auto s) {
            if constexpr (kRead == Read::widened) {
              v[s] = Floats::load(value + std::ptrdiff_t{s} * 16);
            } else {
              v[s] = Rows::value(row.here, d + 16 * s);
            }
            if constexpr (kRead == Read::widening) v[s].store(value + std::ptrdiff_t{s} * 16);
          });
          if constexpr (kRead != Read::widened) {
            unrolled<(kBytes + kLine - 1) / kLine>([&](auto i) { fetch(row.ahead + kLine * i); });
            row.here += row_bytes;
            row.ahead += kBytes;
          }
          unrolled<Q>([&](auto i) {
            const Floats x = Floats::splat(weight[i * kGroup]);
            unrolled<Strips>([&](auto s) { sums[i][s] = Isa::fma(x, v[s], sums[i][s]); });
          });
          if constexpr (kRead != Read::cached) value += width;
        }
      }
    }
    unrolled<Q>([&](auto i) {
      unrolled<Strips>([&](auto s) { sums[i][s].store(queries[i].weighted + d + std::ptrdiff_t{s} * 16); });
    });
  }
};

}  // namespace covey
