// Passes under way at once: the same tokens as one after the other, whatever happens in between.
#include <gtest/gtest.h>

#include "model/engine.hpp"
#include "tests/model/drawn_twice.hpp"
#include "tests/model/fake_runner.hpp"

namespace covey {
namespace {

const Tokenizer& overlap_tokenizer() {
  static const GgufFile file = GgufFile::open(COVEY_TEST_DATA "/llama.gguf");
  static const auto instance = Tokenizer::from_gguf(file);
  return *instance;
}

RunnerLimits room(std::int32_t blocks) {
  return {.n_vocab = 300, .n_ctx = 96, .max_tokens = 8, .block_tokens = 4, .blocks = blocks};
}

Request story(std::int32_t length, std::uint64_t seed, std::int32_t samples) {
  Request r;
  for (std::int32_t i = 0; i < length; ++i) r.prompt.push_back(260 + (i * 7 + length) % 40);
  r.sampling.seed = seed;
  r.sampling.temperature = 1.0F;
  r.max_tokens = 12 + static_cast<std::int32_t>(seed);
  r.ignore_eos = true;
  r.samples = samples;
  return r;
}

struct Drawn {
  std::vector<std::vector<Token>> tokens;
  std::size_t most_under_way = 0;
  std::size_t largest_batch = 0;
};

// Five requests of up to four samples; one sample is cancelled on its way if asked for.
Drawn draw(std::int32_t depth, std::int32_t blocks, bool cancels = false) {
  FakeRunner runner(room(blocks), depth);
  Engine engine(runner, overlap_tokenizer());
  std::vector<SampleId> ids;
  for (std::int32_t i = 0; i < 5; ++i) {
    const auto more = engine.submit(story(5 + 4 * i, static_cast<std::uint64_t>(i), 1 + i % 4));
    ids.insert(ids.end(), more.begin(), more.end());
  }
  int steps = 0;
  while (engine.step({})) {
    if (cancels && ++steps % 9 == 0) engine.cancel(ids.at(static_cast<std::size_t>(steps / 9 - 1) % ids.size()));
  }
  Drawn out{{}, runner.most_under_way, runner.largest_batch};
  for (const SampleId id : ids) out.tokens.push_back(engine.completion(id).tokens);
  engine.drop_prefixes();
  EXPECT_EQ(runner.free_blocks(), blocks);
  return out;
}

// Passes one by one and several at once; all from shortlists, none, and in mixed company.
TEST(OverlappedEngine, DrawsTheSameFromShortlists) {
  for (const std::int32_t depth : {1, 3}) {
    FakeRunner runner(room(1000), depth);
    const std::vector<Request> requests = requests_for_shortlists(), others = with_all_logits(requests);
    const std::vector<DrawnText> expected = drawn_of(runner, overlap_tokenizer(), others);
    EXPECT_EQ(runner.shortlists, 0U);
    expect_the_same(drawn_of(runner, overlap_tokenizer(), requests), expected, 0.0F);
    // Of each sample but the last of each request all tokens but the first, which samples share.
    EXPECT_EQ(runner.shortlists, 4U + 6U * 5U);
    std::vector<Request> mixed = requests;
    mixed[1] = others[1];
    expect_the_same(drawn_of(runner, overlap_tokenizer(), mixed), expected, 0.0F);
  }
}

TEST(OverlappedEngine, DrawsTheSameTokensAtAnyDepth) {
  const Drawn one = draw(1, 1000);
  EXPECT_EQ(one.most_under_way, 0U);
  for (const std::int32_t depth : {2, 3, 4, 20}) {
    const Drawn many = draw(depth, 1000);
    EXPECT_EQ(many.tokens, one.tokens) << depth;
    EXPECT_GT(many.most_under_way, 1U);
    EXPECT_LE(many.most_under_way, static_cast<std::size_t>(depth));
  }
}

TEST(OverlappedEngine, DrawsTheSameTokensWhenTheCacheIsFull) {
  const Drawn one = draw(1, 1000);
  for (const std::int32_t blocks : {12, 16, 25}) {
    for (const std::int32_t depth : {1, 3, 20}) EXPECT_EQ(draw(depth, blocks).tokens, one.tokens) << blocks;
  }
}

TEST(OverlappedEngine, WhatIsCancelledUnderWayLeavesNothingBehind) {
  const Drawn whole = draw(1, 1000);
  for (const std::int32_t blocks : {16, 1000}) {
    const Drawn part = draw(4, blocks, true);
    for (std::size_t i = 0; i < whole.tokens.size(); ++i) {
      ASSERT_LE(part.tokens[i].size(), whole.tokens[i].size());
      EXPECT_TRUE(std::equal(part.tokens[i].begin(), part.tokens[i].end(), whole.tokens[i].begin())) << i;
    }
  }
}

TEST(OverlappedEngine, AnEqualPromptFindsTheCancelledOnesCache) {
  FakeRunner runner(room(100), 2);
  Engine engine(runner, overlap_tokenizer());
  const auto ids = engine.submit(story(9, 1, 2));
  for (int i = 0; i < 8; ++i) engine.step({});
  for (const SampleId id : ids) engine.cancel(id);
  engine.run();
  Request again = story(9, 1, 1);
  const std::vector<Token> drawn = engine.completion(ids[0]).tokens;
  again.prompt.insert(again.prompt.end(), drawn.begin(), drawn.end());
  const SampleId more = engine.submit(again).front();
  engine.run();
  EXPECT_GT(engine.completion(more).reused_tokens, 9);
}

}  // namespace
}  // namespace covey
