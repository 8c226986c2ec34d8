// Attention of the query heads that share a KV head over a run of cached tokens, by online softmax.
//
// Tokens are taken in pieces; a piece's keys and values stay in the L1 cache while groups of queries pass over them, so
// memory is read once. What is computed for a query does not depend on the queries beside it.
#pragma once

#include "kernels/cpu/exp.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/kv_rows.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

template <class Isa, class Rows>
struct Attention {
  using Floats = typename Isa::Floats;

  static constexpr std::int32_t kPiece = 64;
  static constexpr int kQueryTile = 4;

  /// The arguments of an AttendRun, narrowed to a piece of tokens and a group of queries.
  struct Work {
    const float* q;  // (queries, head_dim)
    std::int32_t head_dim;
    float scale;
    const std::byte* k;   // (tokens) rows
    const std::byte* v;   // (tokens) rows
    std::int32_t tokens;  // at most kPiece
    float* maximum;       // (queries)
    float* sum;           // (queries)
    float* weighted;      // (queries, head_dim)
  };

  // `maximum`, `sum` and `weighted` are written through Work.
  static void run(const float* q, std::int32_t queries, std::int32_t head_dim, float scale, const KvRun& run,
                  // NOLINTNEXTLINE(readability-non-const-parameter)
                  float* maximum, float* sum, float* weighted) noexcept {
    const std::size_t stride = Rows::row_bytes(head_dim);
    for (std::int32_t from = 0; from < run.tokens; from += kPiece) {
      const std::size_t skip = static_cast<std::size_t>(from) * stride;
      const std::int32_t left = run.tokens - from;
      Work work{q, head_dim, scale, run.k + skip, run.v + skip, left < kPiece ? left : kPiece, maximum, sum, weighted};
      tiles<kQueryTile>(work, queries);
    }
  }

 private:
  template <int Q>
  static void tiles(Work& work, std::int32_t queries) noexcept {
    for (; queries >= Q; queries -= Q) {
      float p[Q][kPiece];
      float rescale[Q];
      scores<Q>(work, p);
      for (int i = 0; i < Q; ++i) rescale[i] = soften(work, p[i], work.maximum[i], work.sum[i]);
      accumulate<Q>(work, p, rescale);
      work.q += Q * work.head_dim;
      work.maximum += Q;
      work.sum += Q;
      work.weighted += Q * work.head_dim;
    }
    if constexpr (Q > 1) tiles<Q / 2>(work, queries);
  }

  /// p[i][t] = scale * q[i] . k[t], padded with -inf to whole lanes.
  template <int Q>
  static void scores(const Work& work, float (&p)[Q][kPiece]) noexcept {
    const std::size_t stride = Rows::row_bytes(work.head_dim);
    for (std::int32_t t = 0; t < work.tokens; ++t) {
      const std::byte* row = work.k + static_cast<std::size_t>(t) * stride;
      Floats dots[Q];
      for (int i = 0; i < Q; ++i) dots[i] = Floats::splat(0.0F);
      std::int32_t d = 0;
      for (; d + 16 <= work.head_dim; d += 16) {
        const Floats k = Rows::template load<Isa>(row, d, 16);
        for (int i = 0; i < Q; ++i) dots[i] = Isa::fma(k, Floats::load(work.q + i * work.head_dim + d), dots[i]);
      }
      if (d < work.head_dim) {
        const int rest = work.head_dim - d;
        const Floats k = Rows::template load<Isa>(row, d, rest);
        for (int i = 0; i < Q; ++i) {
          dots[i] = Isa::fma(k, Floats::load_first(work.q + i * work.head_dim + d, rest), dots[i]);
        }
      }
      for (int i = 0; i < Q; ++i) p[i][t] = Isa::sum(dots[i]) * work.scale;
    }
    for (int i = 0; i < Q; ++i) {
      for (std::int32_t t = work.tokens; t % 16 != 0; ++t) p[i][t] = -__builtin_inff();
    }
  }

  /// Replaces a query's scores by exp(score - maximum), with the maximum and the sum brought up to date. Returns the
  /// factor that does the same for what was weighted before.
  static float soften(const Work& work, float* p, float& maximum, float& sum) noexcept {
    Floats highest = Floats::splat(maximum);
    for (std::int32_t t = 0; t < work.tokens; t += 16) highest = max(Floats::load(p + t), highest);
    float lanes[16];
    highest.store(lanes);
    float now = lanes[0];
    for (const float lane : lanes) now = lane > now ? lane : now;

    Floats total = Floats::splat(0.0F);
    for (std::int32_t t = 0; t < work.tokens; t += 16) {
      const Floats e = exp<Isa>(Floats::load(p + t) - Floats::splat(now));
      e.store(p + t);
      total = total + e;
    }
    exp<Isa>(Floats::splat(maximum - now)).store(lanes);
    sum = sum * lanes[0] + Isa::sum(total);
    maximum = now;
    return lanes[0];
  }

  /// weighted[i] = weighted[i] * rescale[i] + sum of p[i][t] v[t]
  template <int Q>
  static void accumulate(const Work& work, const float (&p)[Q][kPiece], const float (&rescale)[Q]) noexcept {
    // A lone query takes several strips of 16 elements at once, to hide the latency of fma.
    constexpr int kStrips = kQueryTile / Q;
    std::int32_t d = 0;
    for (; d + 16 * kStrips <= work.head_dim; d += 16 * kStrips) strips<Q, kStrips>(work, p, rescale, d, 16);
    for (; d + 16 <= work.head_dim; d += 16) strips<Q, 1>(work, p, rescale, d, 16);
    if (d < work.head_dim) strips<Q, 1>(work, p, rescale, d, work.head_dim - d);
  }

  /// Elements from d on: whole strips of 16, or one narrower.
  template <int Q, int Strips>
  static void strips(const Work& work, const float (&p)[Q][kPiece], const float (&rescale)[Q], std::int32_t d,
                     std::int32_t width) noexcept {
    const std::size_t stride = Rows::row_bytes(work.head_dim);
    Floats sums[Q][Strips];
    for (int i = 0; i < Q; ++i) {
      for (int s = 0; s < Strips; ++s) {
        const float* at = work.weighted + i * work.head_dim + d + 16 * s;
        sums[i][s] = (width == 16 ? Floats::load(at) : Floats::load_first(at, width)) * Floats::splat(rescale[i]);
      }
    }
    for (std::int32_t t = 0; t < work.tokens; ++t) {
      const std::byte* row = work.v + static_cast<std::size_t>(t) * stride;
      for (int s = 0; s < Strips; ++s) {
        const Floats v = Rows::template load<Isa>(row, d + 16 * s, width);
        for (int i = 0; i < Q; ++i) sums[i][s] = Isa::fma(v, Floats::splat(p[i][t]), sums[i][s]);
      }
    }
    for (int i = 0; i < Q; ++i) {
      for (int s = 0; s < Strips; ++s) {
        float* at = work.weighted + i * work.head_dim + d + 16 * s;
        if (width == 16) {
          sums[i][s].store(at);
        } else {
          sums[i][s].store_first(at, width);
        }
      }
    }
  }
};

}  // namespace covey
