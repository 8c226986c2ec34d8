#include "model/perplexity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "covey/error.hpp"

namespace covey {
namespace {

// A model of a known distribution: after token t it gives (t + 1) % n_vocab a logit of `certainty`, all others 0.
class CountingRunner : public Runner {
 public:
  CountingRunner(std::int32_t max_tokens, float certainty) : certainty_(certainty) {
    limits_ = {.n_vocab = 8, .n_ctx = 16, .max_tokens = max_tokens, .block_tokens = 16, .blocks = 1};
  }
  const RunnerLimits& limits() const override { return limits_; }
  std::int32_t free_blocks() const override { return 1; }
  std::int32_t blocks_to_append(SequenceId) const override { return 0; }
  std::int32_t length(SequenceId) const override { return static_cast<std::int32_t>(seen_.size()); }
  bool can_cut(SequenceId, std::int32_t) const override { return true; }

  std::span<const float> forward(const Batch& batch) override {
    EXPECT_LE(batch.tokens.size(), static_cast<std::size_t>(limits_.max_tokens));
    logits_.clear();
    if (!batch.ops.empty()) {
      chunks.push_back(seen_);
      seen_.clear();
    }
    for (const BatchToken& token : batch.tokens) {
      seen_.push_back(token.token);
      if (!token.wants_logits) continue;
      for (Token t = 0; t < limits_.n_vocab; ++t)
        logits_.push_back(t == (token.token + 1) % limits_.n_vocab ? certainty_ : 0.0F);
    }
    return logits_;
  }

  std::vector<std::vector<Token>> chunks;  // what was evaluated, dropped sequence by dropped sequence

 private:
  RunnerLimits limits_;
  float certainty_;
  std::vector<Token> seen_;
  std::vector<float> logits_;
};

std::vector<Token> counting(std::size_t n) {
  std::vector<Token> tokens(n);
  for (std::size_t i = 0; i < n; ++i) tokens[i] = static_cast<Token>(i % 8);
  return tokens;
}

TEST(Perplexity, OfAModelThatKnowsNothingIsTheVocabulary) {
  CountingRunner runner(16, 0.0F);
  EXPECT_NEAR(measure_perplexity(runner, counting(16), {}, 16).value, 8.0, 1e-9);
}

TEST(Perplexity, FollowsTheProbabilityOfTheNextToken) {
  CountingRunner runner(16, 3.0F);
  const double probability = std::exp(3.0) / (std::exp(3.0) + 7);
  EXPECT_NEAR(measure_perplexity(runner, counting(32), {}, 16).value, 1 / probability, 1e-9);
}

TEST(Perplexity, ScoresTheSecondHalfOfEachWholeChunk) {
  CountingRunner runner(16, 1.0F);
  const Perplexity result = measure_perplexity(runner, counting(8 * 3 + 5), {}, 8);
  EXPECT_EQ(result.chunks, 3);
  EXPECT_EQ(result.all_chunks, 3);
  EXPECT_EQ(result.tokens, 3 * 3);
}

TEST(Perplexity, PutsBosFirstInEachChunk) {
  CountingRunner runner(16, 1.0F);
  measure_perplexity(runner, counting(16), Token{5}, 8);
  ASSERT_EQ(runner.chunks.size(), 2U);
  EXPECT_EQ(runner.chunks[0], (std::vector<Token>{5, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(runner.chunks[1], (std::vector<Token>{5, 1, 2, 3, 4, 5, 6}));
}

TEST(Perplexity, DoesNotDependOnTheBatch) {
  CountingRunner whole(16, 2.0F);
  const double expected = measure_perplexity(whole, counting(40), Token{1}, 16).value;
  for (const std::int32_t batch : {1, 3, 7, 8, 9, 15}) {
    CountingRunner pieces(batch, 2.0F);
    EXPECT_EQ(measure_perplexity(pieces, counting(40), Token{1}, 16).value, expected) << "batch " << batch;
  }
}

TEST(Perplexity, TellsTheRunningValue) {
  CountingRunner runner(16, 2.0F);
  std::vector<std::int32_t> chunks;
  measure_perplexity(runner, counting(32), {}, 8, [&](const Perplexity& so_far) {
    chunks.push_back(so_far.chunks);
    EXPECT_GT(so_far.value, 1.0);
  });
  EXPECT_EQ(chunks, (std::vector<std::int32_t>{1, 2, 3, 4}));
}

TEST(Perplexity, RefusesWhatItCannotMeasure) {
  CountingRunner runner(16, 1.0F);
  EXPECT_THROW(measure_perplexity(runner, counting(7), {}, 8), Error);
  EXPECT_THROW(measure_perplexity(runner, counting(64), {}, 17), Error);
  EXPECT_THROW(measure_perplexity(runner, counting(64), {}, 3), Error);
  EXPECT_THROW(measure_perplexity(runner, std::vector<Token>(16, 8), {}, 8), Error);
  CountingRunner broken(16, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(measure_perplexity(broken, counting(16), {}, 8), Error);
}

}  // namespace
}  // namespace covey
