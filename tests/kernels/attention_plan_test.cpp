#include "kernels/cpu/attention_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "tests/kernels/device_cases.hpp"

namespace covey {
namespace {

constexpr std::int32_t kTokensOfABlock = 32;

// Blocks first, first + 1, … to a length of `blocks`, behind `prefix`.
std::vector<std::int32_t> table(std::int32_t first, std::int32_t blocks, std::vector<std::int32_t> prefix = {}) {
  while (static_cast<std::int32_t>(prefix.size()) < blocks) prefix.push_back(first++);
  return prefix;
}

using Tokens = std::set<std::pair<std::int32_t, std::int32_t>>;  // sequence, position

std::vector<Tokens> groups(const AttentionPlan& plan, const BatchView& batch, std::int32_t span) {
  std::vector<Tokens> groups;
  for (const AttentionPlan::Task& task : plan.tasks(span, span + 1)) {
    EXPECT_EQ(task.span, span);
    Tokens tokens;
    for (std::int32_t i = task.first; i < task.first + task.count; ++i) {
      tokens.emplace(batch.sequence[plan.order()[i]], batch.position[plan.order()[i]]);
    }
    groups.push_back(tokens);
  }
  return groups;
}

TEST(AttentionPlan, SpansAreWholeBlocks) {
  EXPECT_EQ(span_tokens(1), 256);
  EXPECT_EQ(span_tokens(32), 256);
  EXPECT_EQ(span_tokens(48), 240);
  EXPECT_EQ(span_tokens(256), 256);
  EXPECT_EQ(span_tokens(300), 300);
}

TEST(AttentionPlan, ForksAreTogetherAsFarAsTheyShareBlocks) {
  const std::vector<std::int32_t> prompt = table(0, 8);
  TestBatch tokens(kTokensOfABlock,
                   {table(10, 12, prompt), table(60, 10), table(30, 12, prompt), table(50, 9, prompt)});
  tokens.add(0, 300);
  tokens.add(1, 300);
  tokens.add(2, 350);
  tokens.add(3, 255);
  AttentionPlan plan;
  plan.prepare(1, tokens.view(), kTokensOfABlock, 8);
  ASSERT_EQ(plan.spans(), 2);
  EXPECT_EQ(groups(plan, tokens.view(), 0), (std::vector<Tokens>{{{0, 300}, {2, 350}, {3, 255}}, {{1, 300}}}));
  EXPECT_EQ(groups(plan, tokens.view(), 1), (std::vector<Tokens>{{{0, 300}}, {{2, 350}}, {{1, 300}}}));
}

TEST(AttentionPlan, TokensOfAPromptAreTogetherUpToTheLimit) {
  TestBatch tokens(kTokensOfABlock, {table(0, 20)});
  for (std::int32_t position = 250; position < 262; ++position) tokens.add(0, position);
  AttentionPlan plan;
  plan.prepare(1, tokens.view(), kTokensOfABlock, 8);
  const std::vector<Tokens> first = groups(plan, tokens.view(), 0), second = groups(plan, tokens.view(), 1);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].size(), 8U);
  EXPECT_EQ(first[1].size(), 4U);
  EXPECT_EQ(second, (std::vector<Tokens>{{{0, 256}, {0, 257}, {0, 258}, {0, 259}, {0, 260}, {0, 261}}}));
}

TEST(AttentionPlan, EveryTokenMeetsEachOfItsSpansOnce) {
  RandomData data(3);
  const std::vector<std::int32_t> prompt = table(0, 10);
  TestBatch tokens(kTokensOfABlock,
                   {table(100, 40, prompt), table(200, 40, prompt), table(300, 40, table(100, 20, prompt))});
  for (std::int32_t i = 0; i < 60; ++i) tokens.add(i % 3, static_cast<std::int32_t>((data.number() + 1.0F) * 600.0F));
  const BatchView batch = tokens.view();
  AttentionPlan plan;
  plan.prepare(1, batch, kTokensOfABlock, 5);
  std::multiset<std::pair<std::int32_t, std::int32_t>> met;  // token, span
  for (const AttentionPlan::Task& task : plan.tasks(0, plan.spans())) {
    EXPECT_LE(task.count, 5);
    for (std::int32_t i = task.first; i < task.first + task.count; ++i) met.emplace(plan.order()[i], task.span);
  }
  std::multiset<std::pair<std::int32_t, std::int32_t>> expected;
  for (std::int32_t t = 0; t < 60; ++t) {
    for (std::int32_t span = 0; span * 256 <= batch.position[t]; ++span) expected.emplace(t, span);
  }
  EXPECT_EQ(met, expected);
}

TEST(AttentionPlan, SpansBeforeTheWindowAreLeftOut) {
  for (const std::int32_t window : {1, 100, 256, 257, 600}) {
    TestBatch tokens(kTokensOfABlock, {table(0, 40)});
    for (std::int32_t position = 3; position < 1200; position += 37) tokens.add(0, position);
    const BatchView batch = tokens.view();
    AttentionPlan plan;
    plan.prepare(1, batch, kTokensOfABlock, 4, window);
    std::multiset<std::pair<std::int32_t, std::int32_t>> met, expected;  // token, span
    for (const AttentionPlan::Task& task : plan.tasks(0, plan.spans())) {
      for (std::int32_t i = task.first; i < task.first + task.count; ++i) met.emplace(plan.order()[i], task.span);
    }
    for (std::int32_t t = 0; t < static_cast<std::int32_t>(batch.size()); ++t) {
      const std::int32_t first = first_seen(batch.position[t], window);
      EXPECT_EQ(first, std::max(0, batch.position[t] - window + 1));
      for (std::int32_t span = first / 256; span * 256 <= batch.position[t]; ++span) expected.emplace(t, span);
    }
    EXPECT_EQ(met, expected) << window;
  }
}

TEST(AttentionPlan, IsMadeOnceAPass) {
  TestBatch one(kTokensOfABlock, {table(0, 20)}), two(kTokensOfABlock, {table(0, 20)});
  one.add(0, 10);
  two.add(0, 300);
  AttentionPlan plan;
  plan.prepare(1, one.view(), kTokensOfABlock, 8);
  plan.prepare(1, two.view(), kTokensOfABlock, 8);
  EXPECT_EQ(plan.spans(), 1);
  plan.prepare(2, two.view(), kTokensOfABlock, 8);
  EXPECT_EQ(plan.spans(), 2);
  plan.prepare(2, one.view(), kTokensOfABlock, 4);
  EXPECT_EQ(plan.spans(), 1);
  plan.prepare(2, two.view(), kTokensOfABlock, 4, 40);
  EXPECT_TRUE(plan.tasks(0, 1).empty());
}

}  // namespace
}  // namespace covey
