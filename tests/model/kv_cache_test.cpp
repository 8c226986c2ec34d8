#include "model/kv_cache.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "covey/error.hpp"

namespace covey {
namespace {

Batch tokens(SequenceId sequence, int count) {
  Batch batch;
  for (int i = 0; i < count; ++i) batch.tokens.push_back({i, sequence, i == count - 1});
  return batch;
}

TEST(KvCache, PlacesTokensInBlocks) {
  KvCache cache(4, 4, 100, 50);
  BatchPlan plan;
  cache.apply(tokens(7, 6), plan);
  EXPECT_EQ(plan.position, (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}));
  ASSERT_EQ(plan.tables.size(), 1U);
  ASSERT_EQ(plan.tables[0].size(), 2U);
  EXPECT_EQ(plan.place[5], plan.tables[0][1] * 4 + 1);
  EXPECT_EQ(plan.wanted, (std::vector<std::int32_t>{5}));
  EXPECT_EQ(cache.length(7), 6);
  EXPECT_EQ(cache.free_blocks(), 2);
  EXPECT_EQ(cache.blocks_to_append(7), 0);
  cache.apply(tokens(7, 2), plan);
  EXPECT_EQ(plan.position.front(), 6);
  EXPECT_EQ(cache.blocks_to_append(7), 1);
}

TEST(KvCache, ForksShareBlocksAndCopyOnWrite) {
  KvCache cache(5, 4, 100, 50);
  BatchPlan plan;
  cache.apply(tokens(0, 6), plan);
  Batch fork = tokens(1, 1);
  fork.ops.push_back({SequenceOp::Kind::fork, 1, 0, 6});
  cache.apply(fork, plan);
  ASSERT_EQ(plan.copies.size(), 1U);
  EXPECT_EQ(plan.position[0], 6);
  EXPECT_EQ(plan.tables[0][1], plan.copies[0].second);
  EXPECT_EQ(cache.free_blocks(), 2) << "the full block is shared, the half one copied";
  cache.apply(tokens(0, 1), plan);
  EXPECT_TRUE(plan.copies.empty()) << "the other owner writes in place";
  Batch drop;
  drop.ops.push_back({SequenceOp::Kind::drop, 0, 0, 0});
  cache.apply(drop, plan);
  EXPECT_EQ(cache.free_blocks(), 3);
  EXPECT_EQ(cache.length(0), 0);
  Batch cut;
  cut.ops.push_back({SequenceOp::Kind::truncate, 1, 0, 4});
  cache.apply(cut, plan);
  EXPECT_EQ(cache.free_blocks(), 4);
  EXPECT_EQ(cache.length(1), 4);
}

TEST(KvCache, ABatchThatDoesNotFitChangesNothing) {
  KvCache cache(3, 4, 10, 50);
  BatchPlan plan;
  cache.apply(tokens(0, 6), plan);
  EXPECT_THROW(cache.apply(tokens(0, 5), plan), Error) << "over the context";
  EXPECT_THROW(cache.apply(tokens(1, 5), plan), Error) << "no block left";
  Batch bad = tokens(1, 1);
  bad.tokens[0].token = 50;
  EXPECT_THROW(cache.apply(bad, plan), Error);
  for (const auto kind : {SequenceOp::Kind::fork, SequenceOp::Kind::truncate, SequenceOp::Kind::drop}) {
    Batch unknown;
    unknown.ops.push_back({kind, 5, 6, 1});
    EXPECT_THROW(cache.apply(unknown, plan), Error);
  }
  Batch existing;
  existing.ops.push_back({SequenceOp::Kind::fork, 0, 0, 1});
  EXPECT_THROW(cache.apply(existing, plan), Error);
  EXPECT_EQ(cache.length(0), 6);
  EXPECT_EQ(cache.length(1), 0);
  EXPECT_EQ(cache.free_blocks(), 1);
}

/// Many random batches against a model that stores every sequence's content apart: what a sequence reads through its
/// table must be what was written for it, whatever others do.
TEST(KvCache, RandomBatchesKeepEverySequenceIntact) {
  constexpr std::int32_t kBlocks = 12, kBlock = 4;
  KvCache cache(kBlocks, kBlock, 40, 1000);
  std::vector<int> storage(kBlocks * kBlock, -1);
  std::map<SequenceId, std::vector<int>> expected;
  std::map<SequenceId, std::vector<std::int32_t>> tables;
  std::mt19937 random(3);
  BatchPlan plan;
  int applied = 0, refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Batch batch;
    auto next = expected;
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    if (!next.empty() && pick(3) == 0) {
      auto source = next.begin();
      std::advance(source, pick(static_cast<int>(next.size())));
      const int length = pick(static_cast<int>(source->second.size()) + 1);
      const int kind = pick(3);
      const SequenceId fresh = round;
      if (kind == 0) {
        batch.ops.push_back({SequenceOp::Kind::fork, fresh, source->first, length});
        next[fresh] = {source->second.begin(), source->second.begin() + length};
      } else if (kind == 1) {
        batch.ops.push_back({SequenceOp::Kind::truncate, source->first, 0, length});
        source->second.resize(static_cast<std::size_t>(length));
      } else {
        batch.ops.push_back({SequenceOp::Kind::drop, source->first, 0, 0});
        next.erase(source);
      }
    }
    const int count = pick(6);
    for (int i = 0; i < count; ++i) {
      SequenceId id = pick(3) == 0 || next.empty()
                          ? 100000 + round
                          : std::next(next.begin(), pick(static_cast<int>(next.size())))->first;
      const int value = pick(1000);
      batch.tokens.push_back({value, id, false});
      next[id].push_back(value);
    }
    try {
      cache.apply(batch, plan);
    } catch (const Error&) {
      ++refused;
      for (const auto& [id, content] : expected) {
        ASSERT_EQ(cache.length(id), static_cast<std::int32_t>(content.size()));
      }
      continue;
    }
    ++applied;
    expected = std::move(next);
    for (const auto& [from, to] : plan.copies) {
      std::copy_n(storage.begin() + from * kBlock, kBlock, storage.begin() + to * kBlock);
    }
    for (std::size_t t = 0; t < plan.token.size(); ++t)
      storage[static_cast<std::size_t>(plan.place[t])] = plan.token[t];
    for (std::size_t t = 0; t < plan.token.size(); ++t) {
      const auto& table = plan.tables[static_cast<std::size_t>(plan.sequence[t])];
      const auto& content = expected.at(batch.tokens[t].sequence);
      for (std::int32_t p = 0; p <= plan.position[t]; ++p) {
        const auto place = static_cast<std::size_t>(table[static_cast<std::size_t>(p / kBlock)] * kBlock + p % kBlock);
        ASSERT_EQ(storage[place], content[static_cast<std::size_t>(p)]) << "round " << round;
      }
    }
  }
  EXPECT_GT(applied, 3000);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace covey
