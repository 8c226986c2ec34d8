// What is replayed leads to the same cache, in no more blocks.
#include "mpi/token_log.hpp"

#include <gtest/gtest.h>

#include "model/kv_cache.hpp"
#include "model/random.hpp"

namespace covey {
namespace {

RunnerLimits log_limits() {
  RunnerLimits limits;
  limits.n_vocab = 3;  // sequences often begin alike
  limits.n_ctx = 64;
  limits.max_tokens = 8;
  limits.block_tokens = 4;
  limits.blocks = 200;
  return limits;
}

SequenceOp::Kind fork() { return SequenceOp::Kind::fork; }

TEST(TokenLog, ReplaysWhatWasEntered) {
  TokenLog log;
  Batch batch;
  for (const Token token : {1, 2, 0, 1, 1}) batch.tokens.push_back({token, 4, false});
  log.enter(batch);
  batch = {};
  batch.ops = {{fork(), 5, 4, 3}, {fork(), 6, 4, 5}, {fork(), 7, 4, 0}};
  batch.tokens = {{2, 5, true}};
  log.enter(batch);
  KvCache cache(log_limits());
  BatchPlan plan;
  for (const Batch& pass : log.replay(2)) {
    EXPECT_LE(pass.tokens.size(), 2U);
    cache.apply(pass, plan);
  }
  EXPECT_EQ(cache.length(4), 5);
  EXPECT_EQ(cache.length(5), 4);
  EXPECT_EQ(cache.length(6), 5);
  batch = {};
  batch.ops = {{SequenceOp::Kind::drop, 7, 0, 0}};
  cache.apply(batch, plan);  // there was such a sequence
}

// One random change: a sequence goes on, is forked, cut or dropped.
Batch random_batch(std::uint64_t& random, const KvCache& cache, SequenceId& next) {
  Batch batch;
  const auto below = [&](std::int32_t limit) {
    return static_cast<std::int32_t>(next_random(random) % static_cast<std::uint64_t>(limit));
  };
  const SequenceId id = below(next);
  const std::int32_t length = cache.length(id);
  const bool exists = length > 0;
  switch (below(6)) {
    case 0:
      if (exists) batch.ops = {{fork(), next++, id, below(length + 1)}};
      break;
    case 1:
      if (exists) batch.ops = {{SequenceOp::Kind::truncate, id, 0, 1 + below(length)}};
      break;
    case 2:
      if (exists) batch.ops = {{SequenceOp::Kind::drop, id, 0, 0}};
      break;
    default:
      for (std::int32_t i = below(8); i >= 0 && length + i < 60; --i) batch.tokens.push_back({below(3), id, false});
  }
  return batch;
}

TEST(TokenLog, TakesNoMoreBlocksThanBefore) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::uint64_t random = seed;
    KvCache cache(log_limits());
    TokenLog log;
    BatchPlan plan;
    SequenceId next = 4;
    for (int i = 0; i < 60; ++i) {
      const Batch batch = random_batch(random, cache, next);
      cache.apply(batch, plan);
      log.enter(batch);
    }
    KvCache again(log_limits());
    for (const Batch& pass : log.replay(8)) again.apply(pass, plan);
    for (SequenceId id = 0; id < next; ++id) EXPECT_EQ(again.length(id), cache.length(id)) << seed;
    // A fork that has not gone on yet may share a block with a sequence that has.
    EXPECT_GE(again.free_blocks() + next, cache.free_blocks()) << seed;
  }
}

}  // namespace
}  // namespace covey
