// Attention over an F16 cache with AMX's FP16 tiles. A number that meets the cache is the sum of two of F16, 22 bits,
// so that only the cache's own numbers are rounded to F16.
//
//   A: 8 queries, or their weights        B: keys of 16 tokens, or values      C = A x B
//   rows 0 to 7:   their greater parts    as they lie in the cache             the sum of rows i and 8 + i
//   rows 8 to 15:  what these leave    x  (amx_pairs.hpp)                   =  is query i's
//
// Each sum adds up in the same order however many queries and tokens there are: dimension by dimension, and token by
// token from a multiple of 32 on.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/activation.hpp"
#include "kernels/cpu/exp.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/isa/amx_ahead.hpp"
#include "kernels/cpu/isa/amx_pairs.hpp"
#include "kernels/cpu/isa/amx_registers.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {
namespace {

template <class Isa>
class AmxAttention {
 public:
  /// As AttendRun; head_dim and the run's block_tokens are multiples of 32.
  static void run(const KvRun& run, std::int32_t head_dim, const ScoreRule& rule, const AttendQuery* queries,
                  std::int32_t count, float* scratch) noexcept {
    const AmxState tiles(full_tiles());
    const std::int32_t groups = (count + kQueries - 1) / kQueries;
    AmxAhead ahead(run, run.block_tokens * head_dim / 16);
    for (std::int32_t first = 0; first < count; first += kQueries) {
      const std::int32_t here = count - first < kQueries ? count - first : kQueries;
      AmxAttention(run, head_dim, rule, queries + first, here, scratch).attend(ahead, groups);
    }
  }

 private:
  using Floats = typename Isa::Floats;

  static constexpr int kQueries = 8;
  static constexpr std::int32_t kStep = 32;  // tokens, or dimensions, that a tile multiplies
  static_assert(kStep == kAttendGroup);      // what kv_kernels() and the scratch count on
  static constexpr std::ptrdiff_t kTileRow = 64;
  static constexpr std::ptrdiff_t kTileHalves = 512;
  static constexpr int kSums = 4, kA = 4, kB = 5;  // tiles: 0 to 3, 4, 5 to 7
  // F16's range ends at 2^16: weights, at most 1, are multiplied by the first, and a query's greatest number is made to
  // begin at 2 to the second.
  static constexpr int kWeightExponent = 14;
  static constexpr float kWeightUnit = 1 << kWeightExponent;
  static constexpr std::uint32_t kQueryExponent = 14;

  AmxAttention(const KvRun& run, std::int32_t head_dim, const ScoreRule& rule, const AttendQuery* queries,
               std::int32_t count, float* scratch)
      : run_(run), head_dim_(head_dim), rule_(rule), queries_(queries), count_(count) {
    std::int32_t first = queries[0].first;
    std::int32_t tokens = queries[0].tokens;
    for (std::int32_t i = 1; i < count; ++i) {
      first = queries[i].first < first ? queries[i].first : first;
      tokens = queries[i].tokens > tokens ? queries[i].tokens : tokens;
    }
    first_ = first / kStep * kStep;
    end_ = (tokens + kStep - 1) / kStep * kStep;
    // Tiles are fastest from whole lines on.
    const auto address = reinterpret_cast<std::uintptr_t>(scratch);
    scores_ = scratch + (kTileRow - address % kTileRow) % kTileRow / sizeof(float);
    weights_ = reinterpret_cast<std::uint16_t*>(scores_ + std::ptrdiff_t{2} * kQueries * end_);
    q_ = weights_ + std::ptrdiff_t{2} * kQueries * end_;
    sums_ = reinterpret_cast<float*>(q_ + std::ptrdiff_t{2} * kQueries * head_dim);
    values_ = sums_ + std::ptrdiff_t{2} * kQueries * 16 * kSums;
  }

  static AmxShapes full_tiles() {
    AmxShapes shapes;
    for (int tile = 0; tile < 8; ++tile) shapes.set(tile, 16, kTileRow);
    return shapes;
  }

  void attend(AmxAhead& ahead, std::int32_t groups) noexcept {
    // A query alone does as it does among others, but for infinities that it does not see: nothing times them would
    // not be nothing.
    if (count_ > 1 && !edges_are_finite()) {
      for (std::int32_t i = 0; i < count_; ++i) {
        AmxAttention(run_, head_dim_, rule_, queries_ + i, 1, scores_).attend(ahead, groups * count_);
      }
      return;
    }
    // As many lines come as are read: half of them beside tiles, each of which is 16, half beside what is done for each
    // query with its scores and with its weights.
    tile_lines_ = 8 / groups;
    query_lines_ = head_dim_ / 2 / groups / count_;
    split_queries();
    score(ahead);
    find_maxima();
    weigh(ahead);
  }

  const std::byte* block(std::int32_t token) const { return run_.keys(token / run_.block_tokens); }
  const std::byte* keys(std::int32_t token) const {
    return block(token) + token % run_.block_tokens / 16 * AmxPairs::key_tile_bytes(head_dim_);
  }
  const std::byte* values(std::int32_t token) const {
    return block(token) + run_.to_values + token % run_.block_tokens / 2 * AmxPairs::value_bytes(head_dim_);
  }

  // -- Two of F16 for one of F32 --------------------------------------------------------------------------------------

  /// Row `row` of a tile, and what it leaves in row 8 + row.
  static void split(__m512 numbers, std::uint16_t* row) {
    const __m256i great = AmxPairs::to_fp16(numbers);
    const __m256i rest = AmxPairs::to_fp16(_mm512_sub_ps(numbers, _mm512_cvtph_ps(great)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row), great);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row + kTileHalves / 2), rest);
  }

  /// Each query times a power of two with which it fills F16's range; one over that goes to its scale.
  void split_queries() {
    for (std::int32_t i = 0; i < count_; ++i) {
      const float* const q = queries_[i].q;
      __m512i highest = _mm512_setzero_si512();
      for (std::int32_t d = 0; d < head_dim_; d += 16) {
        const __m512i bits = _mm512_castps_si512(_mm512_loadu_ps(q + d));
        highest = _mm512_max_epu32(highest, _mm512_slli_epi32(bits, 1));
      }
      // Of 1.x * 2^(e - 127), e is the exponent's bits: 255 for what is not finite.
      std::uint32_t e = _mm512_reduce_max_epu32(highest) >> 24;
      if (e == 255) e = 127;
      if (e <= kQueryExponent) e = kQueryExponent + 1;
      const __m512 factor = _mm512_set1_ps(std::bit_cast<float>((254 + kQueryExponent - e) << 23));
      std::uint16_t* row = q_ + std::ptrdiff_t{i} * kStep;
      for (std::int32_t d = 0; d < head_dim_; d += kStep, row += kTileHalves) {
        split(_mm512_mul_ps(_mm512_loadu_ps(q + d), factor), row);
        split(_mm512_mul_ps(_mm512_loadu_ps(q + d + 16), factor), row + 16);
      }
      scale_[i] = rule_.scale * std::bit_cast<float>((e - kQueryExponent) << 23);
    }
  }

  // -- Scores ---------------------------------------------------------------------------------------------------------

  /// All scores, and the highest of each lane. Sums of tiles become scores while the next are multiplied.
  [[gnu::flatten]] void score(AmxAhead& ahead) {
    for (std::int32_t i = 0; i < count_; ++i) highest_[i] = _mm512_set1_ps(-__builtin_inff());
    std::int32_t done = first_;
    for (std::int32_t t = first_; t < end_;) {
      const std::int32_t begin = t;
      if (t + 2 * kStep <= end_) {
        multiply_keys<4>(t, ahead);
        t += 2 * kStep;
      } else {
        multiply_keys<2>(t, ahead);
        t += kStep;
      }
      take_scores(done, begin, ahead);
      done = begin;
    }
    take_scores(done, end_, ahead);
  }

  /// For 16 * Tiles tokens from t on.
  template <int Tiles>
  void multiply_keys(std::int32_t t, AmxAhead& ahead) const {
    const std::byte* k[Tiles];
    unrolled<Tiles>([&](auto i) {
      k[i] = keys(t + 16 * i);
      amx_zero<i>();
    });
    const std::uint16_t* q = q_;
    for (const std::uint16_t* const last = q + kTileHalves * (head_dim_ / kStep); q < last; q += kTileHalves) {
      amx_load<kA>(q, kTileRow);
      unrolled<Tiles>([&](auto i) __attribute__((always_inline)) {
        ahead.fetch(tile_lines_);
        amx_load_once<kB + i % 3>(k[i], kTileRow);
        amx_multiply_fp16<i, kA, kB + i % 3>();
        k[i] += 16 * AmxPairs::kKeyPairs;
      });
    }
    unrolled<Tiles>([&](auto i) { amx_store<i>(scores_ + t + 16 * i, std::ptrdiff_t{end_} * 4); });
  }

  /// Scores of tokens begin to end, from the sums of tiles.
  void take_scores(std::int32_t begin, std::int32_t end, AmxAhead& shared_ahead) {
    AmxAhead ahead = shared_ahead;  // in registers
    const std::int32_t lines = query_lines_ * ((end - begin) / kStep);
    for (std::int32_t i = 0; i < count_; ++i) {
      float* const p = scores_ + std::ptrdiff_t{i} * end_;
      const float* const rest = p + std::ptrdiff_t{kQueries} * end_;
      const Floats scale = Floats::splat(scale_[i]);
      __m512 highest = highest_[i];
      const bool sees_all = queries_[i].first <= begin && queries_[i].tokens >= end;
      ahead.fetch(lines);
      for (std::int32_t t = begin; t < end; t += 16) {
        Floats score = (Floats::load(p + t) + Floats::load(rest + t)) * scale;
        if (rule_.softcap > 0.0F) score = softcap_of<Isa>(score, Floats::splat(rule_.softcap));
        __m512 seen = score.part[0];
        if (!sees_all) seen = _mm512_mask_mov_ps(_mm512_set1_ps(-__builtin_inff()), lanes_seen(i, t), seen);
        _mm512_storeu_ps(p + t, seen);
        highest = _mm512_max_ps(seen, highest);  // the second, where the first is NaN
      }
      highest_[i] = highest;
    }
    shared_ahead = ahead;
  }

  /// Which of the tokens t to t + 15 query i sees.
  __mmask16 lanes_seen(std::int32_t i, std::int32_t t) const {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i tokens = _mm512_add_epi32(_mm512_set1_epi32(t), lanes);
    return _mm512_cmpge_epi32_mask(tokens, _mm512_set1_epi32(queries_[i].first)) &
           _mm512_cmplt_epi32_mask(tokens, _mm512_set1_epi32(queries_[i].tokens));
  }

  void find_maxima() {
    for (std::int32_t i = 0; i < count_; ++i) {
      const float maximum = _mm512_reduce_max_ps(highest_[i]);
      *queries_[i].maximum = maximum;
      highest_[i] = _mm512_set1_ps(maximum);
      total_[i] = _mm512_setzero_ps();
    }
  }

  // -- Weighted values ------------------------------------------------------------------------------------------------

  void weigh(AmxAhead& ahead) {
    head_dim_ % (16 * kSums) == 0 ? weigh_all<kSums>(ahead) : weigh_all<kSums / 2>(ahead);
    for (std::int32_t i = 0; i < count_; ++i) *queries_[i].sum = _mm512_reduce_add_ps(total_[i]) / kWeightUnit;
  }

  /// 16 * Tiles dimensions at a time. With the first, weights are made, of each step while those before are multiplied.
  template <int Tiles>
  [[gnu::flatten]] void weigh_all(AmxAhead& ahead) {
    unrolled<Tiles>([&](auto i) { amx_zero<i>(); });
    for (std::int32_t t = first_; t < end_; t += kStep) {
      make_weights(t, ahead);
      if (t > first_) multiply_values<Tiles>(t - kStep, 0, ahead);
    }
    multiply_values<Tiles>(end_ - kStep, 0, ahead);
    take_values<Tiles>(0);
    for (std::ptrdiff_t d = 16 * Tiles; d < head_dim_; d += 16 * Tiles) {
      unrolled<Tiles>([&](auto i) { amx_zero<i>(); });
      for (std::int32_t t = first_; t < end_; t += kStep) multiply_values<Tiles>(t, d, ahead);
      take_values<Tiles>(d);
    }
  }

  /// Of the step of tokens from t on.
  void make_weights(std::int32_t t, AmxAhead& shared_ahead) {
    AmxAhead ahead = shared_ahead;  // in registers
    std::uint16_t* row = weight_tile(t);
    const float* p = scores_ + t;
    for (std::int32_t i = 0; i < count_; ++i, row += kStep, p += end_) {
      ahead.fetch(query_lines_);
      const __m512 first = weights_of(_mm512_sub_ps(_mm512_loadu_ps(p), highest_[i]));
      const __m512 second = weights_of(_mm512_sub_ps(_mm512_loadu_ps(p + 16), highest_[i]));
      total_[i] = _mm512_add_ps(_mm512_add_ps(total_[i], first), second);
      split(first, row);
      split(second, row + 16);
    }
    shared_ahead = ahead;
  }

  /// kWeightUnit * exp x for x up to 0, within 3e-7 of it down to -30; 0 below -87, NaN for what tiles leave as NaN,
  /// whose last bits are 0. As exp_of_negative() (exp.hpp), but powers of two are added to exponents: multiplications
  /// are what is slow beside tiles.
  static __m512 weights_of(__m512 x) {
    constexpr float kRound = 0x1.8p23F + kWeightExponent;
    const __mmask16 not_nothing = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0F), _CMP_NLT_UQ);
    const __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(0x1.715476p0F), _mm512_set1_ps(kRound));
    const __m512 n = _mm512_sub_ps(shifted, _mm512_set1_ps(kRound));
    const __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0x1.62e43p-1F), x);
    const __m512 p = exp_of_rest<Isa>({{r}}).part[0];
    // The lowest bits of `shifted` are n + kWeightExponent: added to the exponent's.
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_maskz_add_epi32(not_nothing, _mm512_castps_si512(p), exponent));
  }

  std::uint16_t* weight_tile(std::int32_t t) const { return weights_ + t / kStep * kTileHalves; }

  /// The step of tokens from t on, 16 * Tiles dimensions from d on.
  template <int Tiles>
  void multiply_values(std::int32_t t, std::ptrdiff_t d, AmxAhead& ahead) {
    const std::ptrdiff_t row = AmxPairs::value_bytes(head_dim_);
    const std::byte* const v = (count_ == 1 && is_edge(t) ? only_seen(t) : values(t)) + 4 * d;
    amx_load<kA>(weight_tile(t), kTileRow);
    unrolled<Tiles>([&](auto i) __attribute__((always_inline)) {
      ahead.fetch(tile_lines_);
      amx_load_once<kB + i % 3>(v + kTileRow * i, row);
      amx_multiply_fp16<i, kA, kB + i % 3>();
    });
  }

  template <int Tiles>
  void take_values(std::ptrdiff_t d) {
    constexpr std::ptrdiff_t kWidth = 16 * Tiles;
    unrolled<Tiles>([&](auto i) { amx_store<i>(sums_ + 16 * i, kWidth * 4); });
    for (std::int32_t i = 0; i < count_; ++i) {
      unrolled<Tiles>([&](auto s) {
        const float* const sum = sums_ + i * kWidth + 16 * s;
        const __m512 both = _mm512_add_ps(_mm512_loadu_ps(sum), _mm512_loadu_ps(sum + kQueries * kWidth));
        _mm512_storeu_ps(queries_[i].weighted + d + 16 * s, _mm512_mul_ps(both, _mm512_set1_ps(1.0F / kWeightUnit)));
      });
    }
  }

  // -- What queries do not see ----------------------------------------------------------------------------------------

  /// Whether some query does not see all of the step that begins with token t.
  bool is_edge(std::int32_t t) const {
    for (std::int32_t i = 0; i < count_; ++i) {
      if (queries_[i].first > t || queries_[i].tokens < t + kStep) return true;
    }
    return false;
  }

  bool edges_are_finite() const {
    for (std::int32_t t = first_; t < end_; t += kStep) {
      if (is_edge(t) && !is_finite(values(t))) return false;
    }
    return true;
  }

  bool is_finite(const std::byte* step) const {
    const __m512i exponent = _mm512_set1_epi16(0x7c00);
    __mmask32 found = 0;
    for (std::ptrdiff_t at = 0; at < 16 * AmxPairs::value_bytes(head_dim_); at += 64) {
      found |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(_mm512_loadu_si512(step + at), exponent), exponent);
    }
    return found == 0;
  }

  /// The step's values, zeros where the only query does not see them.
  const std::byte* only_seen(std::int32_t t) {
    const std::ptrdiff_t pair = AmxPairs::value_bytes(head_dim_);
    const std::byte* const from = values(t);
    std::byte* const to = reinterpret_cast<std::byte*>(values_);
    const auto sees = [&](std::int32_t token) { return queries_[0].first <= token && token < queries_[0].tokens; };
    for (std::int32_t i = 0; i < kStep; i += 2) {
      const __mmask32 seen = (sees(t + i) ? 0x55555555U : 0U) | (sees(t + i + 1) ? 0xaaaaaaaaU : 0U);
      for (std::ptrdiff_t at = i / 2 * pair; at < (i / 2 + 1) * pair; at += 64) {
        _mm512_storeu_si512(to + at, _mm512_maskz_loadu_epi16(seen, from + at));
      }
    }
    return to;
  }

  const KvRun& run_;
  std::int32_t head_dim_;
  const ScoreRule& rule_;
  const AttendQuery* queries_;
  std::int32_t count_;
  // Tokens that any of the queries sees, in whole steps.
  std::int32_t first_;
  std::int32_t end_;
  std::int32_t tile_lines_ = 0;   // that are asked for at a tile
  std::int32_t query_lines_ = 0;  // and at a query's step
  float scale_[kQueries];
  __m512 highest_[kQueries];  // of each lane's scores; then the maximum in all
  __m512 total_[kQueries];    // of each lane's weights
  // In the scratch:
  float* scores_;           // (2 * kQueries, end_): sums as tiles leave them, then scores in the first half
  std::uint16_t* weights_;  // tiles: (end_ / kStep, 2 * kQueries, kStep)
  std::uint16_t* q_;        // tiles: (head_dim / kStep, 2 * kQueries, kStep)
  float* sums_;             // (2 * kQueries, 16 * kSums)
  float* values_;           // what only_seen() returns: of (kStep, head_dim) F16
};

}  // namespace
}  // namespace covey
