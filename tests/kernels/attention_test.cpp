// Attention over cached positions on every instruction set that runs here: against double precision, and bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "kernels/cpu/kv_store.hpp"
#include "kernels/half.hpp"
#include "samples.hpp"

namespace covey {
namespace {

/// Number d of a cached key, by the layouts' definitions.
double key_number(KvType type, const std::byte* tile, std::int32_t lane, std::int32_t d) {
  float value = 0.0F;
  if (type == KvType::f32) std::memcpy(&value, tile + (d * 16 + lane) * 4, 4);
  if (type == KvType::f16) value = fp16_to_f32(load_u16(tile + (d * 16 + lane) * 2));
  if (type == KvType::q8_0) {
    const std::byte* block = tile + d / 32 * 544;
    value = fp16_to_f32(load_u16(block + 2 * lane)) * static_cast<std::int8_t>(block[32 + d % 32 * 16 + lane]);
  }
  return value;
}

/// Number d of a row of cached values.
double value_number(KvType type, const std::byte* row, std::int32_t d) {
  float value = 0.0F;
  if (type == KvType::f32) std::memcpy(&value, row + d * 4, 4);
  if (type == KvType::f16) value = fp16_to_f32(load_u16(row + d * 2));
  if (type == KvType::q8_0) {
    const std::byte* block = row + d / 32 * 34;
    value = fp16_to_f32(load_u16(block)) * static_cast<std::int8_t>(block[2 + d % 32]);
  }
  return value;
}

/// Queries of one KV head, and a cache of keys and values for them, its blocks out of order.
struct Cache {
  KvType type;
  std::int32_t head_dim, tokens, block_tokens;
  float scale;
  std::vector<float> q;             // (queries, head_dim)
  std::vector<std::int32_t> seen;   // (queries) tokens
  std::vector<std::int32_t> begin;  // (queries) the first of them
  float softcap = 0.0F;
  std::vector<std::int32_t> table;  // (blocks)
  std::vector<float> k, v;          // (tokens, head_dim)

  Cache(KvType of, std::int32_t dim, std::int32_t queries, std::int32_t token_count, std::int32_t block = 32,
        float spread = 1.0F)
      : type(of),
        head_dim(dim),
        tokens(token_count),
        block_tokens(block),
        scale(1.0F / std::sqrt(static_cast<float>(dim))),
        seen(queries, token_count),
        begin(queries, 0) {
    Samples samples(dim * 1000 + token_count);
    q = samples.take(static_cast<std::size_t>(queries) * head_dim, 3.0F * spread);
    for (std::int32_t b = (tokens - 1) / block; b >= 0; --b) table.push_back(b + 1);
    for (std::int32_t t = 0; t < tokens; ++t) {
      for (const float number : samples.take(head_dim, 3.0F)) k.push_back(number);
      for (const float number : samples.take(head_dim)) v.push_back(number);
    }
  }

  KvLayout layout() const { return {1, 1, head_dim, static_cast<std::int32_t>(table.size()) + 1, block_tokens, type}; }

  /// As `isa` lays it out.
  KvStore store(const IsaTable& isa) const {
    KvStore store(layout());
    for (std::int32_t t = 0; t < tokens; ++t) {
      store.store(0, table[t / block_tokens] * block_tokens + t % block_tokens, &k[t * head_dim], &v[t * head_dim],
                  isa);
    }
    return store;
  }
  /// Whether `isa` promises the bits of all others.
  bool has_the_same_bits(const IsaTable& isa) const {
    return &kv_kernels(isa, layout()) == &isa.kv[static_cast<std::size_t>(type)];
  }

  /// Makes a token's keys and values what no sum survives.
  void spoil(std::int32_t t) {
    std::fill_n(&k[t * head_dim], head_dim, kInfinity);
    std::fill_n(&v[t * head_dim], head_dim, kInfinity);
  }

  std::int32_t queries() const { return static_cast<std::int32_t>(seen.size()); }

  /// The sums of queries first .. first + count over the run.
  struct Sums {
    std::vector<float> maximum, sum, weighted;
  };
  Sums sums(const IsaTable& isa, const KvStore& store, std::int32_t first, std::int32_t count, std::int32_t from = 0,
            std::int32_t most = std::numeric_limits<std::int32_t>::max()) const {
    const std::int32_t width = padded_head_dim(head_dim);
    Sums sums{std::vector<float>(count, -kInfinity), std::vector<float>(count, 0.0F),
              std::vector<float>(count * width, 9.0F)};
    std::vector<AttendQuery> list;
    for (std::int32_t i = 0; i < count; ++i) {
      if (seen[first + i] <= from) continue;
      list.push_back({q.data() + (first + i) * head_dim, std::min(seen[first + i] - from, most), &sums.maximum[i],
                      &sums.sum[i], &sums.weighted[i * width], begin[first + i]});
    }
    std::vector<float> scratch(attend_scratch_floats(head_dim, tokens));
    const KvRun run = store.run(0, 0, table.data() + from / block_tokens, {0, table});
    const auto queries = static_cast<std::int32_t>(list.size());
    if (queries > 0) {
      kv_kernels(isa, layout()).attend(run, head_dim, {scale, softcap}, list.data(), queries, scratch.data());
    }
    return sums;
  }

  /// (count, head_dim), joined over pieces of `piece` tokens.
  std::vector<float> attend(const IsaTable& isa, std::int32_t first, std::int32_t count, std::int32_t piece) const {
    const KvStore stored = store(isa);
    std::vector<float> maximum(count, -kInfinity), sum(count, 0.0F), out(count * head_dim, 0.0F);
    for (std::int32_t from = 0; from < tokens; from += piece) {
      Sums next = sums(isa, stored, first, count, from, piece);
      isa.join_sums(count, head_dim, {next.maximum.data(), next.sum.data(), next.weighted.data()},
                    {maximum.data(), sum.data(), out.data()});
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] /= sum[i / head_dim];
    return out;
  }
  std::vector<float> attend(const IsaTable& isa) const { return attend(isa, 0, queries(), tokens); }

  std::vector<double> reference() const {
    const KvStore stored = store(scalar());
    const KvRun run = stored.run(0, 0, table.data(), {0, table});
    const auto head = [&](std::int32_t t) { return run.keys(t / block_tokens); };
    std::vector<double> out;
    for (std::int32_t h = 0; h < queries(); ++h) {
      std::vector<double> scores;
      for (std::int32_t t = begin[h]; t < seen[h]; ++t) {
        const std::int32_t offset = t % block_tokens;
        const std::byte* tile = head(t) + offset / 16 * key_tile_bytes(type, head_dim);
        double dot = 0.0;
        for (std::int32_t d = 0; d < head_dim; ++d) dot += key_number(type, tile, offset % 16, d) * q[h * head_dim + d];
        scores.push_back(softcap > 0.0F ? softcap * std::tanh(scale * dot / softcap) : scale * dot);
      }
      const double maximum = *std::max_element(scores.begin(), scores.end());
      double sum = 0.0;
      std::vector<double> weighted(head_dim, 0.0);
      for (std::int32_t t = begin[h]; t < seen[h]; ++t) {
        const double p = std::exp(scores[t - begin[h]] - maximum);
        const std::byte* row = head(t) + run.to_values + t % block_tokens * value_row_bytes(type, head_dim);
        sum += p;
        for (std::int32_t d = 0; d < head_dim; ++d) weighted[d] += p * value_number(type, row, d);
      }
      for (const double w : weighted) out.push_back(w / sum);
    }
    return out;
  }
};

class Attention : public testing::TestWithParam<KvType> {
 protected:
  std::vector<std::int32_t> head_dims() const {
    if (GetParam() == KvType::q8_0) return {32, 64, 96, 128};
    return {1, 8, 16, 17, 24, 32, 64, 80, 96, 128};
  }

  static void expect_reference(const Cache& cache) {
    const std::vector<double> expected = cache.reference();
    for (const IsaTable* isa : tables_that_run()) {
      const std::vector<float> out = cache.attend(*isa);
      ASSERT_EQ(out.size(), expected.size());
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], expected[i], 4e-6)
            << isa->name << ", head_dim " << cache.head_dim << ", " << cache.queries() << " queries, " << cache.tokens
            << " tokens of " << cache.block_tokens;
      }
    }
  }
};

TEST_P(Attention, EqualsDoublePrecision) {
  for (const std::int32_t head_dim : head_dims()) {
    for (const std::int32_t queries : {1, 3, 8}) {
      for (const std::int32_t tokens : {1, 15, 16, 17, 31, 32, 33, 95, 150}) {
        expect_reference(Cache(GetParam(), head_dim, queries, tokens));
      }
    }
  }
}

TEST_P(Attention, AnyNumberOfQueriesAndAnyBlocks) {
  for (const std::int32_t queries : {2, 4, 5, 6, 7, 15, kMostAttendQueries}) {
    expect_reference(Cache(GetParam(), 64, queries, 70));
  }
  for (const std::int32_t block : {1, 4, 5, 16, 19, 48, 300}) expect_reference(Cache(GetParam(), 64, 3, 150, block));
}

TEST_P(Attention, QueriesSeeDifferentPrefixes) {
  Cache cache(GetParam(), 64, 9, 150);
  cache.seen = {150, 1, 31, 32, 33, 64, 65, 2, 149};
  expect_reference(cache);
}

/// Queries whose windows begin and end at, before and behind the edges of lanes and pieces.
Cache windowed(KvType type, std::int32_t head_dim, std::int32_t block = 32) {
  Cache cache(type, head_dim, 13, 150, block);
  cache.begin = {0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 100, 140, 149};
  cache.seen = {150, 2, 150, 20, 40, 33, 64, 34, 129, 65, 101, 150, 150};
  return cache;
}

TEST_P(Attention, QueriesBeginAnywhere) {
  for (const std::int32_t head_dim : head_dims()) expect_reference(windowed(GetParam(), head_dim));
  for (const std::int32_t block : {1, 5, 16, 150}) expect_reference(windowed(GetParam(), 64, block));
}

TEST_P(Attention, WindowsGiveTheSameBitsEverywhereAndAlone) {
  for (const std::int32_t head_dim : head_dims()) {
    const Cache cache = windowed(GetParam(), head_dim);
    const std::vector<float> expected = cache.attend(scalar());
    for (const IsaTable* isa : tables_that_run()) {
      EXPECT_TRUE(!cache.has_the_same_bits(*isa) || same_bits(cache.attend(*isa), expected))
          << isa->name << ", head_dim " << head_dim;
      const std::vector<float> together = cache.attend(*isa);
      for (std::int32_t h = 0; h < cache.queries(); ++h) {
        EXPECT_TRUE(same_bits(cache.attend(*isa, h, 1, 150), std::span(together).subspan(h * head_dim, head_dim)))
            << isa->name << ", head_dim " << head_dim << ", query " << h;
      }
    }
  }
}

TEST_P(Attention, ScoresAreCapped) {
  for (const float cap : {0.5F, 3.0F, 50.0F}) {
    Cache cache(GetParam(), 64, 5, 70);
    cache.softcap = cap;
    cache.begin = {0, 3, 0, 33, 0};
    expect_reference(cache);
    const std::vector<float> expected = cache.attend(scalar());
    for (const IsaTable* isa : tables_that_run()) {
      EXPECT_TRUE(!cache.has_the_same_bits(*isa) || same_bits(cache.attend(*isa), expected))
          << isa->name << ", " << cap;
    }
  }
}

TEST_P(Attention, SameBitsOnEveryInstructionSet) {
  for (const std::int32_t head_dim : head_dims()) {
    Cache cache(GetParam(), head_dim, 15, 150);
    for (std::int32_t i = 0; i < 15; ++i) cache.seen[i] -= 3 * i;
    const std::vector<float> expected = cache.attend(scalar(), 0, 15, 64);
    for (const IsaTable* isa : tables_that_run()) {
      EXPECT_TRUE(!cache.has_the_same_bits(*isa) || same_bits(cache.attend(*isa, 0, 15, 64), expected))
          << isa->name << ", head_dim " << head_dim;
    }
  }
}

TEST_P(Attention, AQueryAloneGivesTheSameBits) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t head_dim : head_dims()) {
      Cache cache(GetParam(), head_dim, 15, 150);
      for (std::int32_t i = 0; i < 15; ++i) cache.seen[i] -= 3 * i;
      const std::vector<float> together = cache.attend(*isa, 0, 15, 64);
      for (std::int32_t h = 0; h < 15; ++h) {
        EXPECT_TRUE(same_bits(cache.attend(*isa, h, 1, 64), std::span(together).subspan(h * head_dim, head_dim)))
            << isa->name << ", head_dim " << head_dim << ", query " << h;
      }
    }
  }
}

TEST_P(Attention, BlocksDoNotChangeBits) {
  for (const IsaTable* isa : tables_that_run()) {
    const std::vector<float> expected = Cache(GetParam(), 64, 3, 150).attend(*isa);
    const bool same = Cache(GetParam(), 64, 3, 150).has_the_same_bits(*isa);
    for (const std::int32_t block : {1, 5, 16, 64, 150, 160}) {
      const Cache cache(GetParam(), 64, 3, 150, block);
      if (cache.has_the_same_bits(*isa) != same) continue;
      EXPECT_TRUE(same_bits(cache.attend(*isa), expected)) << isa->name << ", " << block;
    }
  }
}

TEST_P(Attention, JoinedRunsMeanTheSameAsOne) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t head_dim : head_dims()) {
      const Cache cache(GetParam(), head_dim, 19, 150);  // more than a register's worth of queries
      const std::vector<float> whole = cache.attend(*isa);
      for (const std::int32_t piece : {32, 64, 128}) {
        const std::vector<float> joined = cache.attend(*isa, 0, 19, piece);
        for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(joined[i], whole[i], 2e-6) << isa->name;
      }
    }
  }
}

// A first run is taken over as it is: it meets nothing.
TEST_P(Attention, JoiningToNothingChangesNothing) {
  for (const IsaTable* isa : tables_that_run()) {
    const Cache cache(GetParam(), 32, 2, 20);
    const Cache::Sums one = cache.sums(*isa, cache.store(*isa), 0, 2);
    std::vector<float> out = cache.attend(*isa);
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], one.weighted[i] / one.sum[i / 32]) << isa->name;
  }
}

TEST_P(Attention, FarScoresNeitherOverflowNorVanish) {
  for (const IsaTable* isa : tables_that_run()) {
    const Cache cache(GetParam(), 32, 2, 100, 32, 1000.0F);
    const std::vector<float> out = cache.attend(*isa, 0, 2, 32);
    const std::vector<double> expected = cache.reference();
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 2e-2) << isa->name;
  }
}

TEST_P(Attention, StoredNumbersAreNearAndTheSameEverywhere) {
  const auto index = static_cast<std::size_t>(GetParam());
  for (const std::int32_t head_dim : head_dims()) {
    for (const float range : {0.0F, 1e-3F, 1.0F, 100.0F}) {
      const std::vector<float> in = Samples(head_dim).take(head_dim, range);
      std::vector<std::byte> tile(key_tile_bytes(GetParam(), head_dim) + 1, std::byte{0x5a});
      std::vector<std::byte> row(value_row_bytes(GetParam(), head_dim) + 1, std::byte{0x5a});
      const std::vector<std::byte> fresh[] = {tile, row};
      scalar().kv[index].store_key(in.data(), head_dim, tile.data(), 11);
      scalar().kv[index].store_value(in.data(), head_dim, row.data(), 0);
      const double bound = GetParam() == KvType::f32 ? 0.0 : GetParam() == KvType::f16 ? 0x1p-11 : 0.5 / 127 + 0x1p-8;
      for (std::int32_t d = 0; d < head_dim; ++d) {
        ASSERT_NEAR(key_number(GetParam(), tile.data(), 11, d), in[d], bound * range);
        ASSERT_NEAR(value_number(GetParam(), row.data(), d), in[d], bound * range);
      }
      for (const IsaTable* isa : tables_that_run()) {
        std::vector<std::byte> again[] = {fresh[0], fresh[1]};
        isa->kv[index].store_key(in.data(), head_dim, again[0].data(), 11);
        isa->kv[index].store_value(in.data(), head_dim, again[1].data(), 0);
        EXPECT_EQ(again[0], tile) << isa->name << ", head_dim " << head_dim;
        EXPECT_EQ(again[1], row) << isa->name << ", head_dim " << head_dim;
      }
    }
  }
}

TEST_P(Attention, NanIsNotHidden) {
  for (const IsaTable* isa : tables_that_run()) {
    Cache cache(GetParam(), 32, 2, 20);
    cache.q[5] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> out = cache.attend(*isa);
    EXPECT_TRUE(std::isnan(out[0])) << isa->name;
    EXPECT_FALSE(std::isnan(out[32])) << isa->name;
  }
}

// What later tokens cached must not reach a query that stands before them, not even infinity times nothing.
TEST_P(Attention, PositionsNotSeenDoNotMatter) {
  for (const IsaTable* isa : tables_that_run()) {
    Cache cache(GetParam(), 32, 4, 40);
    cache.seen = {40, 38, 39, 37};
    const std::vector<float> before = cache.attend(*isa);
    for (const std::int32_t t : {38, 39}) cache.spoil(t);
    const std::vector<float> after = cache.attend(*isa);
    for (const std::int32_t query : {1, 3}) {
      EXPECT_TRUE(same_bits(std::span(after).subspan(query * 32, 32), std::span(before).subspan(query * 32, 32)))
          << isa->name;
    }
  }
}

// The same for what lies before a window, as a cache forgets it.
TEST_P(Attention, PositionsBeforeTheWindowDoNotMatter) {
  for (const IsaTable* isa : tables_that_run()) {
    Cache cache(GetParam(), 32, 4, 80);
    cache.begin = {40, 50, 41, 51};
    const std::vector<float> before = cache.attend(*isa);
    for (std::int32_t t = 0; t < 50; ++t) cache.spoil(t);
    const std::vector<float> after = cache.attend(*isa);
    for (const std::int32_t query : {1, 3}) {
      EXPECT_TRUE(same_bits(std::span(after).subspan(query * 32, 32), std::span(before).subspan(query * 32, 32)))
          << isa->name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KvTypes, Attention, testing::Values(KvType::f32, KvType::f16, KvType::q8_0),
                         [](const auto& of) {
                           return of.param == KvType::f32 ? "F32" : of.param == KvType::f16 ? "F16" : "Q8_0";
                         });

}  // namespace
}  // namespace covey
