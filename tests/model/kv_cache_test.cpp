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

RunnerLimits limits(std::int32_t blocks, std::int32_t block_tokens, std::int32_t n_ctx, std::int32_t n_vocab,
                    std::int32_t window = 0) {
  return {.n_vocab = n_vocab,
          .n_ctx = n_ctx,
          .max_tokens = n_ctx,
          .block_tokens = block_tokens,
          .blocks = blocks,
          .window = window};
}

Batch op(SequenceOp::Kind kind, SequenceId sequence, SequenceId source, std::int32_t length) {
  Batch batch;
  batch.ops.push_back({kind, sequence, source, length});
  return batch;
}

TEST(KvCache, PlacesTokensInBlocks) {
  KvCache cache(limits(4, 4, 100, 50));
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
  KvCache cache(limits(5, 4, 100, 50));
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
  KvCache cache(limits(3, 4, 10, 50));
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
  KvCache cache(limits(kBlocks, kBlock, 40, 1000));
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

// Blocks of 4 and a window of 6: the token at position p sees p - 5 to p.
TEST(KvCache, ForgetsBlocksThatNoWindowReaches) {
  KvCache cache(limits(20, 4, 100, 50, 6));
  BatchPlan plan;
  cache.apply(tokens(0, 9), plan);  // in one pass, whose first token sees the beginning
  EXPECT_TRUE(plan.forgotten.empty());
  const std::vector<std::int32_t> table(plan.tables[0].begin(), plan.tables[0].end());
  cache.apply(tokens(0, 1), plan);  // at 9, sees 4 to 9
  EXPECT_EQ(plan.forgotten, (std::vector<std::int32_t>{table[0]}));
  cache.apply(tokens(0, 3), plan);  // the first at 10
  EXPECT_TRUE(plan.forgotten.empty());
  cache.apply(tokens(0, 1), plan);  // at 13, sees 8
  EXPECT_EQ(plan.forgotten, (std::vector<std::int32_t>{table[1]}));
  EXPECT_EQ(plan.tables[0][0], table[0]) << "layers without a window still have it";
  EXPECT_EQ(cache.free_blocks(), 16);
  cache.apply(op(SequenceOp::Kind::drop, 0, 0, 0), plan);
  EXPECT_EQ(cache.free_blocks(), 20);
}

TEST(KvCache, ForgetsASharedBlockWithItsLastWatcher) {
  KvCache cache(limits(20, 4, 100, 50, 6));
  BatchPlan plan;
  cache.apply(tokens(0, 8), plan);
  const std::int32_t first = plan.tables[0][0];
  cache.apply(op(SequenceOp::Kind::fork, 1, 0, 8), plan);
  cache.apply(tokens(0, 5), plan);
  cache.apply(tokens(0, 1), plan);  // at 13
  EXPECT_EQ(plan.forgotten, (std::vector<std::int32_t>{})) << "sequence 1 still sees both blocks";
  cache.apply(tokens(1, 1), plan);
  EXPECT_TRUE(plan.forgotten.empty());
  cache.apply(tokens(1, 1), plan);  // at 9
  EXPECT_EQ(plan.forgotten, (std::vector<std::int32_t>{first}));
}

TEST(KvCache, IsCutOnlyWhereTheWindowIsWhole) {
  KvCache cache(limits(20, 4, 100, 50, 6));
  BatchPlan plan;
  cache.apply(tokens(0, 19), plan);
  cache.apply(tokens(0, 1), plan);  // at 19: sees 14, so blocks 0 to 2 are forgotten
  EXPECT_EQ(plan.forgotten.size(), 3U);
  for (std::int32_t length = 0; length <= 21; ++length) {
    // The token behind a cut at 17 sees 12, the first of block 3.
    const bool possible = length == 0 || (length >= 17 && length <= 20);
    EXPECT_EQ(cache.can_cut(0, length), possible) << length;
    for (const auto kind : {SequenceOp::Kind::fork, SequenceOp::Kind::truncate}) {
      KvCache copy = cache;
      const Batch batch = op(kind, kind == SequenceOp::Kind::fork ? 1 : 0, 0, length);
      if (possible) {
        EXPECT_NO_THROW(copy.apply(batch, plan)) << length;
      } else {
        EXPECT_THROW(copy.apply(batch, plan), Error) << length;
      }
    }
  }
  EXPECT_FALSE(cache.can_cut(5, 1));
  cache.apply(op(SequenceOp::Kind::truncate, 0, 0, 0), plan);
  cache.apply(tokens(0, 3), plan);
  EXPECT_TRUE(cache.can_cut(0, 1)) << "it began anew";
}

// A block is forgotten when the last sequence whose window may reach it has moved on, and not before.
TEST(KvCache, RandomSequencesForgetWhatNoneCanSee) {
  std::mt19937 random(11);
  constexpr std::int32_t kWindow = 10, kBlock = 4;
  KvCache cache(limits(400, kBlock, 200, 50, kWindow));
  BatchPlan plan;
  std::set<std::int32_t> lost;
  for (SequenceId next = 1, step = 0; step < 3000; ++step) {
    Batch batch;
    const SequenceId one = static_cast<SequenceId>(random() % 6);
    const std::int32_t length = cache.length(one);
    if (length > 150 || (length > 0 && random() % 20 == 0)) {
      batch = op(SequenceOp::Kind::drop, one, 0, 0);
    } else if (const SequenceId other = next++ % 6; length > 0 && cache.length(other) == 0 && other != one) {
      std::int32_t at = length - static_cast<std::int32_t>(random() % 12);
      if (at < 1 || !cache.can_cut(one, at)) at = length;
      batch = op(SequenceOp::Kind::fork, other, one, at);
    } else {
      batch = tokens(one, 1 + static_cast<int>(random() % 9));
    }
    const bool appends = !batch.tokens.empty();
    cache.apply(batch, plan);
    for (const std::int32_t block : plan.forgotten) lost.insert(block);
    if (!appends) continue;
    for (std::size_t t = 0; t < plan.token.size(); ++t) lost.erase(plan.place[t] / kBlock);
    for (const std::int32_t position : plan.position) {
      for (std::int32_t p = std::max(0, position - kWindow + 1); p <= position; ++p) {
        ASSERT_FALSE(lost.contains(plan.tables[0][static_cast<std::size_t>(p / kBlock)])) << "step " << step;
      }
    }
  }
  EXPECT_FALSE(lost.empty());
}

}  // namespace
}  // namespace covey
