#include "model/shard.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"

namespace covey {
namespace {

std::vector<std::int32_t> sizes(const std::vector<Range>& ranges) {
  std::vector<std::int32_t> result;
  for (const auto& range : ranges) result.push_back(range.size());
  return result;
}

TEST(SplitGranules, EqualPartsDifferByAtMostOne) {
  EXPECT_EQ(sizes(split_granules(22, 4, {})), (std::vector<std::int32_t>{6, 6, 5, 5}));
  EXPECT_EQ(sizes(split_granules(3, 5, {})), (std::vector<std::int32_t>{1, 1, 1, 0, 0}));
  EXPECT_EQ(sizes(split_granules(0, 2, {})), (std::vector<std::int32_t>{0, 0}));
}

TEST(SplitGranules, FollowsShares) {
  const std::vector<double> shares{3, 1, 0, 4};
  const auto ranges = split_granules(16, 4, shares);
  EXPECT_EQ(sizes(ranges), (std::vector<std::int32_t>{6, 2, 0, 8}));
  EXPECT_EQ(ranges[3].first, 8);
  EXPECT_EQ(ranges[3].last, 16);
}

TEST(SplitGranules, AShareAboveNothingGetsSomething) {
  const std::vector<double> shares{100, 1, 1};
  EXPECT_EQ(sizes(split_granules(4, 3, shares)), (std::vector<std::int32_t>{2, 1, 1}));
}

TEST(SplitGranules, EveryGranuleExactlyOnce) {
  for (std::int32_t total = 0; total < 40; ++total) {
    for (std::int32_t parts = 1; parts < 9; ++parts) {
      std::vector<double> shares;
      for (std::int32_t i = 0; i < parts; ++i) shares.push_back(1 + (i * 7) % 5);
      std::int32_t at = 0;
      for (const auto& range : split_granules(total, parts, shares)) {
        EXPECT_EQ(range.first, at);
        EXPECT_GE(range.size(), total >= parts ? 1 : 0);
        at = range.last;
      }
      EXPECT_EQ(at, total);
    }
  }
}

TEST(SplitGranules, RefusesBadShares) {
  const std::vector<double> two{1, 1}, negative{1, -1, 1}, zero{0, 0, 0};
  EXPECT_THROW(split_granules(4, 3, two), Error);
  EXPECT_THROW(split_granules(4, 3, negative), Error);
  EXPECT_THROW(split_granules(4, 3, zero), Error);
}

}  // namespace
}  // namespace covey
