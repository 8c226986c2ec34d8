// Draws from shortlists: what all logits would have given.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "covey/error.hpp"
#include "model/random.hpp"
#include "model/sampler.hpp"

namespace covey {
namespace {

SamplingParams top_k_of(std::int32_t top_k, float temperature = 1.0F) {
  SamplingParams params;
  params.top_k = top_k;
  params.temperature = temperature;
  return params;
}

TEST(SamplerShortlist, a_shortlist_gives_what_all_logits_give) {
  constexpr std::int32_t kVocab = 500;
  constexpr float kMinus = -std::numeric_limits<float>::infinity();
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  std::uint64_t state = 1;
  std::vector<float> logits(kVocab);
  for (SamplingParams params : {top_k_of(40, 0.0F), top_k_of(7, 1.7F), top_k_of(40), top_k_of(kMostShortlisted)}) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      params.seed = seed;
      for (float& logit : logits) logit = std::round(static_cast<float>(next_uniform(state) * 40)) / 4;  // many equals
      for (std::size_t i = 0; i < seed * 5; ++i) logits[i] = i % 7 == 0 ? kNone : kMinus;
      const std::int32_t top = seed % 3 == 0 ? 0 : 11;
      Sampler one(params, kVocab), other(params, kVocab);
      // As long as needed, or as others ask for.
      const std::int32_t count = seed % 2 == 0 ? one.shortlist(top) : kMostShortlisted;
      ASSERT_GT(count, 0);
      std::vector<float> row(static_cast<std::size_t>(shortlist_width(count)));
      make_shortlist(logits, count, row);
      for (int draw = 0; draw < 3; ++draw) {
        const Sampled got = one.sample(Shortlist(row), top), expected = other.sample(logits, top);
        ASSERT_EQ(got.chosen.token, expected.chosen.token);
        ASSERT_EQ(got.chosen.logprob, expected.chosen.logprob);
        ASSERT_EQ(got.top.size(), expected.top.size());
        for (std::size_t i = 0; i < got.top.size(); ++i) {
          ASSERT_EQ(got.top[i].token, expected.top[i].token);
          ASSERT_EQ(got.top[i].logprob, expected.top[i].logprob);
        }
      }
    }
  }
}

TEST(SamplerShortlist, a_shortlist_is_as_long_as_the_chain_looks) {
  const auto length = [](const SamplingParams& params, std::int32_t top = 0, std::int32_t n_vocab = 1000) {
    return Sampler(params, n_vocab).shortlist(top);
  };
  SamplingParams params = top_k_of(40, 0.0F);
  EXPECT_EQ(length(params), 1);
  EXPECT_EQ(length(params, 5), 5);
  EXPECT_EQ(length(params, kMostShortlisted + 1), 0);
  params.temperature = 1.0F;
  EXPECT_EQ(length(params), 40);
  EXPECT_EQ(length(params, 0, 30), 30);
  params.top_k = kMostShortlisted + 1;
  EXPECT_EQ(length(params), 0);
  EXPECT_EQ(length(top_k_of(0)), 0) << "there is no top-k";
  for (auto change :
       {+[](SamplingParams& p) { p.logit_bias[3] = 0; }, +[](SamplingParams& p) { p.presence_penalty = 0.1F; },
        +[](SamplingParams& p) { p.repetition_penalty = 1.1F; },
        +[](SamplingParams& p) { p.grammar = "root ::= [a-z]*"; }}) {
    SamplingParams changed = top_k_of(40, 0.0F);
    change(changed);
    EXPECT_EQ(length(changed), 0);
  }
  const std::vector<float> row = {2, 7, 1, 3, 2, 1.4F};
  EXPECT_THROW(Sampler(top_k_of(0), 10).sample(Shortlist(row)), Error);
  EXPECT_THROW(Sampler(top_k_of(40, 0.0F), 10).sample(Shortlist(row), 3), Error);
  constexpr float kMinus = -std::numeric_limits<float>::infinity();
  const std::vector<float> none = {kMinus, 0, kMinus, 0};
  EXPECT_THROW(Sampler(top_k_of(40, 0.0F), 10).sample(Shortlist(none)), Error);
}

}  // namespace
}  // namespace covey
