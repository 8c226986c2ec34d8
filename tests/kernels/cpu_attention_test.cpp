// Attention by all threads over long contexts: against double precision, and the same bits however it is shared out.
#include "kernels/cpu/cpu_attention.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "samples.hpp"
#include "tests/kernels/device_cases.hpp"

namespace covey {
namespace {

constexpr std::int32_t kBlockTokens = 32, kBlocks = 200, kHeadDim = 32, kKvHeads = 2;

using Tables = std::vector<std::vector<std::int32_t>>;

// Sequences 0, 1, 2 were forked from a prompt of 544 tokens, 3 is alone. The last three have blocks of their own.
Tables forked() {
  Tables tables(4);
  for (std::int32_t i = 0; i < 17; ++i) {
    for (std::int32_t fork = 0; fork < 3; ++fork) tables[fork].push_back(170 - i);
  }
  std::int32_t next = 0;
  for (auto& table : tables) {
    while (table.size() < 50) table.push_back(next++);
  }
  return tables;
}

struct Setting {
  const IsaTable* isa;
  int threads;
  KvType type;
};

class CpuAttentionTest : public testing::Test {
 protected:
  static std::vector<Setting> settings() {
    std::vector<Setting> settings;
    for (const IsaTable* isa : tables_that_run()) {
      for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
        for (const int threads : {1, 2, 3, 4, 5}) settings.push_back({isa, threads, type});
      }
    }
    return settings;
  }

  static KvStore store(KvType type, const IsaTable& isa) {
    KvStore kv({1, kKvHeads, kHeadDim, kBlocks, kBlockTokens, type});
    for (std::int32_t place = 0; place < kBlocks * kBlockTokens; ++place) {
      const std::vector<float> k = number(place, 1), v = number(place, 2);
      kv.store(0, place, k.data(), v.data(), isa);
    }
    return kv;
  }
  static std::vector<float> number(std::int32_t place, std::int32_t what) {
    return Samples(3 * place + what).take(kKvHeads * kHeadDim, 1.5F);
  }
  static std::vector<float> query(std::int32_t sequence, std::int32_t position) {
    return Samples(100000 + 5000 * sequence + position).take(spec().heads * kHeadDim, 2.0F);
  }
  static AttendSpec spec() { return {5, kKvHeads, kHeadDim, 3, 1, 0.2F}; }  // two heads of one group, three of the next

  // (tokens, heads, head_dim)
  static std::vector<float> attend(const Setting& setting, const KvStore& kv, const BatchView& batch) {
    ThreadPool pool(setting.threads);
    CpuAttention attention;
    attention.reserve(kv.layout(), spec().heads, 40, setting.threads);
    std::vector<float> q;
    for (std::size_t t = 0; t < batch.size(); ++t) {
      const std::vector<float> one = query(batch.sequence[t], batch.position[t]);
      q.insert(q.end(), one.begin(), one.end());
    }
    std::vector<float> out(q.size(), 7.0F);
    attention.attend(kv, 0, spec(), 1, batch, q.data(), out.data(), *setting.isa, pool);
    return out;
  }

  // A piece of a prompt, single tokens, and forks; more spans than there is room for at once.
  static TestBatch mixed(const Tables& tables) {
    TestBatch batch(kBlockTokens, tables);
    for (std::int32_t position = 1270; position < 1290; ++position) batch.add(0, position);
    for (const std::int32_t position : {600, 543, 544, 1023}) batch.add(1, position);
    batch.add(3, 255);
    batch.add(2, 1599);
    batch.add(3, 256);
    batch.add(3, 0);
    return batch;
  }
};

TEST_F(CpuAttentionTest, EqualsDoublePrecision) {
  const KvStore kv = store(KvType::f32, select_isa(""));
  const TestBatch batch = mixed(forked());
  const BatchView view = batch.view();
  const std::vector<float> out = attend({&select_isa(""), 2, KvType::f32}, kv, view);
  for (std::size_t t = 0; t < view.size(); ++t) {
    const std::vector<float> q = query(view.sequence[t], view.position[t]);
    for (std::int32_t head = 0; head < spec().heads; ++head) {
      const std::int32_t first = (spec().first_query + head) / spec().group * kHeadDim;
      double sum = 0;
      std::vector<double> expected(kHeadDim);
      for (std::int32_t p = 0; p <= view.position[t]; ++p) {
        const std::int32_t place = batch.place_of(view.sequence[t], p);
        const std::vector<float> k = number(place, 1), v = number(place, 2);
        double score = 0;
        for (std::int32_t d = 0; d < kHeadDim; ++d) score += double{q[head * kHeadDim + d]} * k[first + d];
        const double weight = std::exp(score * spec().scale);
        sum += weight;
        for (std::int32_t d = 0; d < kHeadDim; ++d) expected[d] += weight * v[first + d];
      }
      for (std::int32_t d = 0; d < kHeadDim; ++d) {
        ASSERT_NEAR(out[(t * spec().heads + head) * kHeadDim + d], expected[d] / sum, 5e-6) << "token " << t;
      }
    }
  }
}

TEST_F(CpuAttentionTest, ATokenAloneGetsTheSameBits) {
  const TestBatch batch = mixed(forked());
  const BatchView view = batch.view();
  for (const Setting& setting : settings()) {
    if (setting.threads > 2) continue;
    const KvStore kv = store(setting.type, *setting.isa);
    const std::vector<float> together = attend(setting, kv, view);
    const std::size_t width = spec().heads * kHeadDim;
    for (std::size_t t = 0; t < view.size(); ++t) {
      TestBatch one(kBlockTokens, forked());
      one.add(view.sequence[t], view.position[t]);
      EXPECT_TRUE(same_bits(attend(setting, kv, one.view()), std::span(together).subspan(t * width, width)))
          << setting.isa->name << ", " << setting.threads << " threads, token " << t;
    }
  }
}

TEST_F(CpuAttentionTest, NeitherThreadsNorInstructionSetsChangeBits) {
  const TestBatch batch = mixed(forked());
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    const IsaTable& plain = *isa_tables().back();
    const std::vector<float> everywhere = attend({&plain, 1, type}, store(type, plain), batch.view());
    for (const IsaTable* isa : tables_that_run()) {
      const KvStore kv = store(type, *isa);
      // Tiles round otherwise, but the same with any number of threads.
      const bool tiles = &kv_kernels(*isa, kv.layout()) != &isa->kv[static_cast<std::size_t>(type)];
      const std::vector<float> expected = tiles ? attend({isa, 1, type}, kv, batch.view()) : everywhere;
      for (const int threads : {1, 2, 3, 4, 5}) {
        EXPECT_TRUE(same_bits(attend({isa, threads, type}, kv, batch.view()), expected))
            << isa->name << ", " << threads << " threads";
      }
    }
  }
}

TEST_F(CpuAttentionTest, SharedBlocksGiveTheBitsOfCopies) {
  const TestBatch shared = mixed(forked());
  Tables own = forked();
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    for (const IsaTable* isa : tables_that_run()) {
      KvStore kv = store(type, *isa);
      // Sequence 1 gets copies of what it shared.
      for (std::int32_t i = 0; i < 17; ++i) {
        own[1][i] = 180 + i;
        kv.copy_block(forked()[1][i], own[1][i]);
      }
      const TestBatch copied = mixed(own);
      EXPECT_TRUE(same_bits(attend({isa, 2, type}, kv, copied.view()), attend({isa, 2, type}, kv, shared.view())));
    }
  }
}

TEST_F(CpuAttentionTest, PassesFollowEachOther) {
  const Setting setting{&select_isa(""), 2, KvType::f16};
  const KvStore kv = store(setting.type, *setting.isa);
  ThreadPool pool(2);
  CpuAttention attention;
  attention.reserve(kv.layout(), spec().heads, 40, 2);
  for (std::uint64_t pass = 1; pass < 6; ++pass) {
    TestBatch batch(kBlockTokens, forked());
    const auto position = static_cast<std::int32_t>(pass * pass * 40);
    batch.add(2, position);
    const std::vector<float> q = query(2, position);
    std::vector<float> out(q.size());
    attention.attend(kv, 0, spec(), pass, batch.view(), q.data(), out.data(), *setting.isa, pool);
    EXPECT_TRUE(same_bits(out, attend(setting, kv, batch.view()))) << position;
  }
}

}  // namespace
}  // namespace covey
