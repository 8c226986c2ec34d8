// Attention over cached rows on every instruction set that runs here: against double precision, and bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/half.hpp"
#include "samples.hpp"

namespace covey {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const IsaTable& scalar() { return *isa_tables().back(); }

/// A cached row back in F32, by the layouts' definitions.
std::vector<double> row_values(KvType type, std::int32_t head_dim, const std::byte* row) {
  std::vector<double> values;
  for (std::int32_t d = 0; d < head_dim; ++d) {
    float value = 0.0F;
    if (type == KvType::f32) std::memcpy(&value, row + 4 * d, 4);
    if (type == KvType::f16) value = fp16_to_f32(load_u16(row + 2 * d));
    if (type == KvType::q8_0) {
      const std::byte* block = row + d / 32 * 34;
      value = fp16_to_f32(load_u16(block)) * static_cast<std::int8_t>(block[2 + d % 32]);
    }
    values.push_back(value);
  }
  return values;
}

/// Queries of one KV head, and a cache of keys and values for them.
struct Cache {
  KvType type;
  std::int32_t head_dim, queries, tokens;
  float scale;
  std::size_t row_bytes;
  std::vector<float> q;         // (queries, head_dim)
  std::vector<std::byte> k, v;  // (tokens) rows

  Cache(KvType of, std::int32_t dim, std::int32_t query_count, std::int32_t token_count, float spread = 1.0F)
      : type(of),
        head_dim(dim),
        queries(query_count),
        tokens(token_count),
        scale(1.0F / std::sqrt(static_cast<float>(dim))),
        row_bytes(kv_row_bytes(of, dim)) {
    Samples samples(dim * 1000 + token_count);
    q = samples.take(static_cast<std::size_t>(queries) * head_dim, 3.0F * spread);
    k.resize(row_bytes * tokens);
    v.resize(row_bytes * tokens);
    const StoreKvRow store = scalar().store_kv[static_cast<std::size_t>(type)];
    for (std::int32_t t = 0; t < tokens; ++t) {
      store(samples.take(head_dim, 3.0F).data(), head_dim, k.data() + t * row_bytes);
      store(samples.take(head_dim).data(), head_dim, v.data() + t * row_bytes);
    }
  }

  /// (count, head_dim) for queries first .. first + count, over runs of the given lengths.
  std::vector<float> attend(const IsaTable& isa, std::span<const std::int32_t> runs, std::int32_t first,
                            std::int32_t count) const {
    std::vector<float> maximum(count, -kInfinity), sum(count, 0.0F);
    std::vector<float> weighted(static_cast<std::size_t>(count) * head_dim, 0.0F);
    std::int32_t from = 0;
    for (const std::int32_t run : runs) {
      isa.attend[static_cast<std::size_t>(type)](q.data() + first * head_dim, count, head_dim, scale,
                                                 {k.data() + from * row_bytes, v.data() + from * row_bytes, run},
                                                 maximum.data(), sum.data(), weighted.data());
      from += run;
    }
    for (std::size_t i = 0; i < weighted.size(); ++i) weighted[i] /= sum[i / head_dim];
    return weighted;
  }
  std::vector<float> attend(const IsaTable& isa) const { return attend(isa, {{tokens}}, 0, queries); }

  std::vector<double> reference() const {
    std::vector<double> out;
    for (std::int32_t h = 0; h < queries; ++h) {
      std::vector<double> scores;
      for (std::int32_t t = 0; t < tokens; ++t) {
        const std::vector<double> key = row_values(type, head_dim, k.data() + t * row_bytes);
        double dot = 0.0;
        for (std::int32_t d = 0; d < head_dim; ++d) dot += key[d] * q[h * head_dim + d];
        scores.push_back(scale * dot);
      }
      const double maximum = *std::max_element(scores.begin(), scores.end());
      double sum = 0.0;
      std::vector<double> weighted(head_dim, 0.0);
      for (std::int32_t t = 0; t < tokens; ++t) {
        const double p = std::exp(scores[t] - maximum);
        const std::vector<double> value = row_values(type, head_dim, v.data() + t * row_bytes);
        sum += p;
        for (std::int32_t d = 0; d < head_dim; ++d) weighted[d] += p * value[d];
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
    return {1, 2, 8, 16, 17, 32, 40, 64, 80, 128};
  }
};

TEST_P(Attention, EqualsDoublePrecision) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t head_dim : head_dims()) {
      for (const std::int32_t queries : {1, 2, 3, 4, 7, 8}) {
        for (const std::int32_t tokens : {1, 2, 15, 16, 17, 63, 64, 65, 150}) {
          const Cache cache(GetParam(), head_dim, queries, tokens);
          const std::vector<float> out = cache.attend(*isa);
          const std::vector<double> expected = cache.reference();
          for (std::size_t i = 0; i < out.size(); ++i) {
            ASSERT_NEAR(out[i], expected[i], 3e-6)
                << isa->name << ", head_dim " << head_dim << ", " << queries << " queries, " << tokens << " tokens";
          }
        }
      }
    }
  }
}

TEST_P(Attention, SameBitsOnEveryInstructionSet) {
  for (const std::int32_t head_dim : head_dims()) {
    const Cache cache(GetParam(), head_dim, 7, 150);
    const std::vector<float> expected = cache.attend(scalar());
    for (const IsaTable* isa : tables_that_run()) {
      EXPECT_TRUE(same_bits(cache.attend(*isa), expected)) << isa->name << ", head_dim " << head_dim;
    }
  }
}

TEST_P(Attention, AQueryAloneGivesTheSameBits) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t head_dim : head_dims()) {
      const Cache cache(GetParam(), head_dim, 7, 150);
      const std::int32_t runs[] = {32, 100, 18};
      const std::vector<float> together = cache.attend(*isa, runs, 0, 7);
      for (std::int32_t h = 0; h < 7; ++h) {
        EXPECT_TRUE(same_bits(cache.attend(*isa, runs, h, 1), std::span(together).subspan(h * head_dim, head_dim)))
            << isa->name << ", head_dim " << head_dim << ", query " << h;
      }
    }
  }
}

TEST_P(Attention, RunsMeanTheSameAsOne) {
  for (const IsaTable* isa : tables_that_run()) {
    const Cache cache(GetParam(), 64, 3, 150);
    const std::vector<float> whole = cache.attend(*isa);
    const std::int32_t runs[] = {1, 0, 31, 64, 54};
    const std::vector<float> pieces = cache.attend(*isa, runs, 0, 3);
    for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(pieces[i], whole[i], 2e-6) << isa->name;
  }
}

TEST_P(Attention, FarScoresNeitherOverflowNorVanish) {
  for (const IsaTable* isa : tables_that_run()) {
    const Cache cache(GetParam(), 32, 2, 100, 1000.0F);
    const std::vector<float> out = cache.attend(*isa);
    const std::vector<double> expected = cache.reference();
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 2e-2) << isa->name;
  }
}

TEST_P(Attention, StoredRowsAreNearAndTheSameEverywhere) {
  const auto index = static_cast<std::size_t>(GetParam());
  for (const std::int32_t head_dim : head_dims()) {
    for (const float range : {0.0F, 1e-3F, 1.0F, 100.0F}) {
      const std::vector<float> in = Samples(head_dim).take(head_dim, range);
      std::vector<std::byte> expected(kv_row_bytes(GetParam(), head_dim) + 1, std::byte{0x5a});
      scalar().store_kv[index](in.data(), head_dim, expected.data());
      const std::vector<double> back = row_values(GetParam(), head_dim, expected.data());
      const double bound = GetParam() == KvType::f32 ? 0.0 : GetParam() == KvType::f16 ? 0x1p-11 : 0.5 / 127 + 0x1p-8;
      for (std::int32_t d = 0; d < head_dim; ++d) ASSERT_NEAR(back[d], in[d], bound * range);
      for (const IsaTable* isa : tables_that_run()) {
        std::vector<std::byte> row(expected.size(), std::byte{0x5a});
        isa->store_kv[index](in.data(), head_dim, row.data());
        EXPECT_EQ(row, expected) << isa->name << ", head_dim " << head_dim;
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

INSTANTIATE_TEST_SUITE_P(KvTypes, Attention, testing::Values(KvType::f32, KvType::f16, KvType::q8_0),
                         [](const auto& of) {
                           return of.param == KvType::f32 ? "F32" : of.param == KvType::f16 ? "F16" : "Q8_0";
                         });

}  // namespace
}  // namespace covey
