#include "model/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Nothing filters, nothing is penalized.
SamplingParams plain() {
  SamplingParams params;
  params.temperature = 1.0F;
  params.top_k = 0;
  params.top_p = 1.0F;
  params.min_p = 0.0F;
  params.seed = 42;
  return params;
}

SamplingParams greedy() {
  SamplingParams params = plain();
  params.temperature = 0.0F;
  return params;
}

Token first(const SamplingParams& params, const std::vector<float>& logits, const std::vector<Token>& history = {}) {
  Sampler sampler(params, static_cast<std::int32_t>(logits.size()));
  for (const Token token : history) sampler.accept(token);
  return sampler.sample(logits).chosen.token;
}

std::vector<double> frequencies(const SamplingParams& params, const std::vector<float>& logits, int draws = 200000) {
  Sampler sampler(params, static_cast<std::int32_t>(logits.size()));
  std::vector<double> counts(logits.size());
  for (int i = 0; i < draws; ++i) counts[sampler.sample(logits).chosen.token] += 1.0 / draws;
  return counts;
}

/// The tokens that are ever chosen.
std::set<Token> reachable(const SamplingParams& params, const std::vector<float>& logits) {
  const std::vector<double> shares = frequencies(params, logits, 5000);
  std::set<Token> tokens;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] > 0) tokens.insert(static_cast<Token>(i));
  }
  return tokens;
}

std::vector<float> logits_of(const std::vector<double>& shares) {
  std::vector<float> logits;
  for (const double share : shares) logits.push_back(static_cast<float>(std::log(share)));
  return logits;
}

// Four standard deviations of a count.
void expect_shares(const std::vector<double>& got, const std::vector<double>& expected, int draws = 200000) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 4 * std::sqrt(expected[i] * (1 - expected[i]) / draws)) << "token " << i;
  }
}

TEST(Sampler, draws_by_the_models_probabilities) {
  const std::vector<double> shares = {0.5, 0.2, 0.05, 0.0, 0.25};
  expect_shares(frequencies(plain(), logits_of(shares)), shares);
}

TEST(Sampler, temperature_reshapes_them) {
  SamplingParams params = plain();
  params.temperature = 0.5F;
  expect_shares(frequencies(params, logits_of({3, 4})), {9.0 / 25, 16.0 / 25});
}

TEST(Sampler, filters_renormalize_what_they_keep) {
  SamplingParams params = plain();
  params.top_k = 2;
  expect_shares(frequencies(params, logits_of({0.3, 0.1, 0.6})), {1.0 / 3, 0, 2.0 / 3});
}

TEST(Sampler, each_filter_keeps_its_set) {
  const std::vector<float> logits = logits_of({0.1, 0.4, 0.2, 0.25, 0.05});
  EXPECT_EQ(reachable(plain(), logits), (std::set<Token>{0, 1, 2, 3, 4}));
  SamplingParams params = plain();
  params.top_k = 3;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{1, 2, 3}));
  params = plain();
  params.top_p = 0.6F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{1, 3}));
  params.top_p = 0.0001F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{1}));
  params = plain();
  params.min_p = 0.3F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{1, 2, 3}));
  params.min_p = 1.0F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{1}));
}

TEST(Sampler, ties_are_settled_by_the_lower_id) {
  const std::vector<float> logits = {0, 1, 1, 1, 0};
  EXPECT_EQ(first(greedy(), logits), 1);
  SamplingParams params = plain();
  params.top_k = 2;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{1, 2}));
}

// Top-p after top-k: of 0.4 and 0.3 the first alone is 0.57 of what top-k kept. The other way round it would take both.
TEST(Sampler, top_p_counts_within_what_top_k_kept) {
  SamplingParams params = plain();
  params.top_k = 2;
  params.top_p = 0.55F;
  EXPECT_EQ(reachable(params, logits_of({0.4, 0.3, 0.2, 0.1})), (std::set<Token>{0}));
}

// At temperature 2 the shares 0.81 and 0.09 are as 3 to 1: top-p 0.7 keeps one, and min-p 0.3 keeps both.
TEST(Sampler, temperature_comes_before_top_p_and_min_p) {
  const std::vector<float> logits = logits_of({0.81, 0.09});
  SamplingParams params = plain();
  params.top_p = 0.8F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{0}));
  params.temperature = 2.0F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{0, 1}));
  params = plain();
  params.min_p = 0.3F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{0}));
  params.temperature = 2.0F;
  EXPECT_EQ(reachable(params, logits), (std::set<Token>{0, 1}));
}

TEST(Sampler, bias_comes_before_penalties) {
  SamplingParams params = greedy();
  params.repetition_penalty = 2.0F;
  params.logit_bias = {{0, 3.0F}};
  // (1 + 3) / 2 = 2 lies below 3; 1 / 2 + 3 would lie above.
  EXPECT_EQ(first(params, {1, 3, 0}, {0}), 1);
}

TEST(Sampler, greedy_honours_bias_and_penalties) {
  SamplingParams params = greedy();
  params.logit_bias = {{2, 5.0F}};
  EXPECT_EQ(first(params, {1, 2, 0}), 2);
  params.logit_bias = {{1, -kInfinity}};
  EXPECT_EQ(first(params, {1, 2, 0}), 0);
  params = greedy();
  params.presence_penalty = 1.5F;
  EXPECT_EQ(first(params, {1, 2, 0}), 1);
  EXPECT_EQ(first(params, {1, 2, 0}, {1, 1}), 0);
}

TEST(Sampler, repetition_divides_positive_and_multiplies_negative_logits) {
  SamplingParams params = greedy();
  params.repetition_penalty = 2.0F;
  EXPECT_EQ(first(params, {4, 2.1F}, {0}), 1);
  EXPECT_EQ(first(params, {4, 1.9F}, {0}), 0);
  EXPECT_EQ(first(params, {-1, -1.9F}, {0}), 1);
  EXPECT_EQ(first(params, {-1, -2.1F}, {0}), 0);
  EXPECT_EQ(first(params, {4, 1.9F}, {0, 0, 0}), 0) << "once, however often";
}

TEST(Sampler, frequency_counts_and_presence_does_not) {
  SamplingParams params = greedy();
  params.frequency_penalty = 1.0F;
  EXPECT_EQ(first(params, {3.5F, 0}, {0, 0, 0}), 0);
  EXPECT_EQ(first(params, {2.5F, 0}, {0, 0, 0}), 1);
  params = greedy();
  params.presence_penalty = 1.0F;
  EXPECT_EQ(first(params, {1.5F, 0}, {0, 0, 0}), 0);
}

TEST(Sampler, penalties_look_at_the_last_tokens_of_the_window) {
  SamplingParams params = greedy();
  params.frequency_penalty = 1.0F;
  params.penalty_window = 2;
  EXPECT_EQ(first(params, {1.5F, 0, -9}, {0, 0}), 1);
  EXPECT_EQ(first(params, {1.5F, 0, -9}, {0, 0, 2}), 0) << "one of two has left";
  EXPECT_EQ(first(params, {0.5F, 0, -9}, {0, 0, 2}), 1);
  EXPECT_EQ(first(params, {0.5F, 0, -9}, {0, 0, 2, 2}), 0);
  params.penalty_window = 0;
  EXPECT_EQ(first(params, {0.5F, 0, -9}, {0, 0}), 0);
  params.penalty_window = -1;
  std::vector<Token> history(1000, 2);
  history[0] = 0;
  EXPECT_EQ(first(params, {0.5F, 0, -9}, history), 1);
}

TEST(Sampler, logprobs_are_the_models_own) {
  SamplingParams params = greedy();
  params.logit_bias = {{2, 100.0F}};
  Sampler sampler(params, 4);
  const Sampled sampled = sampler.sample(logits_of({0.5, 0.125, 0.125, 0.25}), 3);
  EXPECT_EQ(sampled.chosen.token, 2);
  EXPECT_NEAR(sampled.chosen.logprob, std::log(0.125), 1e-6);
  ASSERT_EQ(sampled.top.size(), 3U);
  EXPECT_EQ(sampled.top[0].token, 0);
  EXPECT_EQ(sampled.top[1].token, 3);
  EXPECT_EQ(sampled.top[2].token, 1) << "the lower of equals";
  EXPECT_NEAR(sampled.top[0].logprob, std::log(0.5), 1e-6);
  EXPECT_TRUE(sampler.sample(logits_of({1, 1, 1, 1})).top.empty());
  EXPECT_EQ(sampler.sample(logits_of({1, 1, 1, 1}), 9).top.size(), 4U);
}

TEST(Sampler, logprobs_are_stable_far_from_zero) {
  Sampler sampler(greedy(), 2);
  EXPECT_NEAR(sampler.sample(std::vector<float>{30000, 30000}).chosen.logprob, -std::log(2.0), 1e-6);
  EXPECT_NEAR(sampler.sample(std::vector<float>{-30000, -30000}).chosen.logprob, -std::log(2.0), 1e-6);
}

TEST(Sampler, nan_and_infinities) {
  for (const SamplingParams& params : {plain(), greedy()}) {
    EXPECT_EQ(first(params, {kNan, -kInfinity, -5}), 2);
    EXPECT_EQ(first(params, {1, kInfinity, 2}), 1);
    Sampler sampler(params, 2);
    EXPECT_THROW(sampler.sample(std::vector<float>{kNan, -kInfinity}), Error);
    const Sampled sampled = sampler.sample(std::vector<float>{kNan, 3}, 2);
    EXPECT_EQ(sampled.chosen.logprob, 0.0F);
    EXPECT_EQ(sampled.top.size(), 1U) << "the other is not possible";
  }
  SamplingParams params = plain();
  params.logit_bias = {{0, -kInfinity}, {1, -kInfinity}};
  EXPECT_THROW(first(params, {0, 0}), Error);
}

std::vector<Token> sequence(Sampler& sampler, int length) {
  std::vector<Token> tokens;
  std::vector<float> logits(50);
  for (int i = 0; i < length; ++i) {
    for (std::size_t j = 0; j < logits.size(); ++j) logits[j] = static_cast<float>((i * 31 + j * 17) % 23) / 8.0F;
    tokens.push_back(sampler.sample(logits).chosen.token);
    sampler.accept(tokens.back());
  }
  return tokens;
}

SamplingParams everything() {
  SamplingParams params;
  params.repetition_penalty = 1.2F;
  params.frequency_penalty = 0.1F;
  params.penalty_window = 8;
  params.seed = 99;
  return params;
}

TEST(Sampler, equal_seeds_repeat_and_others_differ) {
  Sampler one(everything(), 50), two(everything(), 50);
  const std::vector<Token> tokens = sequence(one, 100);
  EXPECT_EQ(sequence(two, 100), tokens);
  SamplingParams other = everything();
  other.seed = 100;
  Sampler three(other, 50);
  EXPECT_NE(sequence(three, 100), tokens);
}

// Fixed by hand of the published generator; a change here breaks every recorded run.
TEST(Sampler, draws_are_the_same_on_every_machine) {
  SamplingParams params = plain();
  params.seed = 1234567;  // uniforms 0.3500, 0.1736, 0.5322 (see random_test.cpp)
  Sampler sampler(params, 100);
  const std::vector<float> logits(100, 0.0F);
  EXPECT_EQ(sampler.sample(logits).chosen.token, 35);
  EXPECT_EQ(sampler.sample(logits).chosen.token, 17);
  EXPECT_EQ(sampler.sample(logits).chosen.token, 53);
}

TEST(Sampler, a_copy_continues_identically) {
  Sampler original(everything(), 50);
  sequence(original, 30);
  Sampler copy = original;
  EXPECT_EQ(sequence(copy, 50), sequence(original, 50));
}

TEST(Sampler, reseeding_restarts_the_numbers_and_keeps_the_history) {
  SamplingParams params = greedy();
  params.presence_penalty = 2.0F;
  Sampler sampler(params, 2);
  sampler.accept(0);
  sampler.reseed(5);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 0}).chosen.token, 1);
  Sampler drawn(plain(), 50);
  const std::vector<Token> tokens = sequence(drawn, 20);
  drawn.reseed(plain().seed);
  EXPECT_EQ(sequence(drawn, 20), tokens);
}

TEST(Sampler, sample_seeds_differ) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (std::uint64_t index = 0; index < 100; ++index) seeds.insert(sample_seed(seed, index));
  }
  EXPECT_EQ(seeds.size(), 10000U);
}

void expect_rejected(const char* name, void (*change)(SamplingParams&)) {
  SamplingParams params;
  change(params);
  try {
    const Sampler sampler(params, 10);
    ADD_FAILURE() << name << " was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("allowed: "), std::string::npos) << error.what();
  }
}

TEST(Sampler, bad_parameters_are_named) {
  expect_rejected("temperature", [](SamplingParams& params) { params.temperature = kNan; });
  expect_rejected("temperature", [](SamplingParams& params) { params.temperature = kInfinity; });
  expect_rejected("top_k", [](SamplingParams& params) { params.top_k = -1; });
  expect_rejected("top_p", [](SamplingParams& params) { params.top_p = 0.0F; });
  expect_rejected("top_p", [](SamplingParams& params) { params.top_p = 1.1F; });
  expect_rejected("top_p", [](SamplingParams& params) { params.top_p = kNan; });
  expect_rejected("min_p", [](SamplingParams& params) { params.min_p = -0.1F; });
  expect_rejected("min_p", [](SamplingParams& params) { params.min_p = 1.1F; });
  expect_rejected("repetition_penalty", [](SamplingParams& params) { params.repetition_penalty = 0.0F; });
  expect_rejected("repetition_penalty", [](SamplingParams& params) { params.repetition_penalty = kNan; });
  expect_rejected("presence_penalty", [](SamplingParams& params) { params.presence_penalty = kInfinity; });
  expect_rejected("frequency_penalty", [](SamplingParams& params) { params.frequency_penalty = kNan; });
  expect_rejected("penalty_window", [](SamplingParams& params) { params.penalty_window = -2; });
  expect_rejected("logit_bias is 10", [](SamplingParams& params) { params.logit_bias = {{10, 1.0F}}; });
  expect_rejected("logit_bias is -1", [](SamplingParams& params) { params.logit_bias = {{-1, 1.0F}}; });
  expect_rejected("logit_bias of token 3", [](SamplingParams& params) { params.logit_bias = {{3, kNan}}; });
  expect_rejected("logit_bias of token 3", [](SamplingParams& params) { params.logit_bias = {{3, kInfinity}}; });
}

TEST(Sampler, bad_calls_are_refused) {
  EXPECT_THROW(Sampler(plain(), 0), Error);
  Sampler sampler(plain(), 3);
  EXPECT_THROW(sampler.accept(3), Error);
  EXPECT_THROW(sampler.accept(-1), Error);
  EXPECT_THROW(sampler.sample(std::vector<float>{0, 0}), Error);
  EXPECT_THROW(sampler.sample(std::vector<float>{0, 0, 0}, -1), Error);
}

}  // namespace
}  // namespace covey
