#include "model/candidates.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace covey {
namespace {

using Tokens = std::vector<Token>;

Tokens tokens(const Candidates& candidates) {
  Tokens result;
  for (const Candidate& candidate : candidates.all()) result.push_back(candidate.token);
  return result;
}

/// Weighed scores whose probabilities are these shares.
Candidates from_shares(const std::vector<double>& shares) {
  std::vector<float> scores;
  for (const double share : shares) scores.push_back(static_cast<float>(std::log(share)));
  Candidates candidates;
  candidates.assign(scores);
  candidates.weigh(1.0F, *std::max_element(scores.begin(), scores.end()));
  return candidates;
}

TEST(Candidates, minus_infinity_is_no_candidate) {
  Candidates candidates;
  candidates.assign(std::vector<float>{1, -std::numeric_limits<float>::infinity(), 0});
  EXPECT_EQ(tokens(candidates), (Tokens{0, 2}));
}

TEST(Candidates, the_likeliest_in_order_with_ties_by_lower_id) {
  Candidates candidates;
  candidates.assign(std::vector<float>{1, 3, 2, 3, 2, 2});
  candidates.keep_likeliest(4);
  EXPECT_EQ(tokens(candidates), (Tokens{1, 3, 2, 4}));
  candidates.keep_likeliest(1);
  EXPECT_EQ(tokens(candidates), Tokens{1});
  candidates.keep_likeliest(9);
  EXPECT_EQ(tokens(candidates), Tokens{1});
}

TEST(Candidates, the_fewest_that_reach_a_probability) {
  const std::vector<double> shares = {1, 4, 2, 1};  // of 8
  const auto kept = [&](double probability) {
    Candidates candidates = from_shares(shares);
    candidates.keep_probability(probability);
    return tokens(candidates);
  };
  EXPECT_EQ(kept(1e-6), Tokens{1});
  EXPECT_EQ(kept(0.49), Tokens{1});
  EXPECT_EQ(kept(0.51), (Tokens{1, 2}));
  EXPECT_EQ(kept(0.76), (Tokens{1, 2, 0}));
  EXPECT_EQ(kept(0.88), (Tokens{1, 2, 0, 3}));
}

TEST(Candidates, many_equal_ones_needed_to_reach_a_probability) {
  Candidates candidates = from_shares(std::vector<double>(1000, 1.0));
  candidates.keep_probability(0.5);
  Tokens expected(500);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(tokens(candidates), expected);
}

TEST(Candidates, filters_agree_with_sorting_all) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> scores(1 + random() % 700);
    for (float& score : scores) score = static_cast<float>(random() % 50) / 10.0F;
    std::vector<Token> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) { return scores[a] > scores[b]; });
    const float largest = scores[order[0]];
    double total = 0, reached = 0;
    for (const float score : scores) total += std::exp(score - largest);
    std::size_t needed = 0;
    while (reached < 0.903 * total) reached += std::exp(scores[order[needed++]] - largest);
    Candidates candidates;
    candidates.assign(scores);
    candidates.weigh(1.0F, largest);
    candidates.keep_probability(0.903);
    EXPECT_EQ(tokens(candidates), Tokens(order.begin(), order.begin() + needed));
  }
}

TEST(Candidates, a_least_weight) {
  Candidates candidates = from_shares({1, 4, 2, 8});
  candidates.keep_weight(0.24);
  EXPECT_EQ(tokens(candidates), (Tokens{1, 2, 3}));
  candidates.keep_weight(1.0);
  EXPECT_EQ(tokens(candidates), Tokens{3});
}

TEST(Candidates, temperature_sharpens_and_flattens) {
  Candidates candidates;
  candidates.assign(std::vector<float>{0, -2});
  candidates.weigh(0.5F, 0);
  EXPECT_DOUBLE_EQ(candidates.all()[1].weight, std::exp(-4.0));
  candidates.weigh(2.0F, 0);
  EXPECT_DOUBLE_EQ(candidates.all()[1].weight, std::exp(-1.0));
  candidates.weigh(1e-30F, 0);
  EXPECT_EQ(candidates.all()[1].weight, 0.0);
}

TEST(Candidates, a_draw_walks_the_cumulative_weight) {
  const Candidates candidates = from_shares({1, 2, 1});
  EXPECT_EQ(candidates.draw(0.0), 0);
  EXPECT_EQ(candidates.draw(0.24), 0);
  EXPECT_EQ(candidates.draw(0.26), 1);
  EXPECT_EQ(candidates.draw(0.74), 1);
  EXPECT_EQ(candidates.draw(0.76), 2);
  EXPECT_EQ(candidates.draw(std::nextafter(1.0, 0.0)), 2);
}

TEST(Candidates, what_has_no_weight_is_never_drawn) {
  Candidates candidates;
  candidates.assign(std::vector<float>{-1e6F, 0, -1e6F});
  candidates.weigh(1.0F, 0);
  EXPECT_EQ(candidates.draw(0.0), 1);
  EXPECT_EQ(candidates.draw(std::nextafter(1.0, 0.0)), 1);
}

}  // namespace
}  // namespace covey
