// The likeliest tokens of rows of logits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/shortlist.hpp"
#include "tests/kernels/device_cases.hpp"

namespace covey {
namespace {

class DeviceShortlist : public DeviceConformance {
 protected:
  /// Against sorting all of each row.
  void expect_shortlists(std::int32_t width, const std::vector<float>& logits) {
    const auto rows = static_cast<std::int32_t>(logits.size()) / width;
    reserve({{Slot::logits, width}}, rows);
    begin(rows);
    write(Slot::logits, rows, logits);
    for (const std::int32_t count : {1, 7, kMostShortlisted}) {
      if (count > width) continue;
      SCOPED_TRACE(std::to_string(count) + " of " + std::to_string(width));
      const std::span<const float> shortlists = device_->shortlist(Slot::logits, count);
      const auto row_width = static_cast<std::size_t>(shortlist_width(count));
      ASSERT_EQ(shortlists.size(), static_cast<std::size_t>(rows) * row_width);
      for (std::int32_t t = 0; t < rows; ++t) {
        std::vector<float> row(logits.begin() + t * width, logits.begin() + (t + 1) * width);
        for (float& logit : row) logit = usable_logit(logit);
        expect_shortlist(row, Shortlist(shortlists.subspan(static_cast<std::size_t>(t) * row_width, row_width)));
      }
    }
    EXPECT_EQ(device_->map(Slot::logits).size(), logits.size()) << "they stay where they are";
  }

  static void expect_shortlist(const std::vector<float>& row, const Shortlist& shortlist) {
    std::vector<std::int32_t> order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](std::int32_t a, std::int32_t b) { return row[a] > row[b]; });
    for (std::size_t i = 0; i < shortlist.size(); ++i) {
      ASSERT_EQ(shortlist.token(i), order[i]) << "at " << i;
      ASSERT_EQ(shortlist.logit(i), row[order[i]]) << "at " << i;
    }
    const float largest = row[order[0]];
    EXPECT_EQ(shortlist.largest(), largest);
    double sum = 0;
    for (const float logit : row) sum += std::isinf(logit) ? 0.0 : std::exp(double{logit} - largest);
    EXPECT_NEAR(shortlist.sum(), sum, 1e-5 * sum);
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceShortlist, testing::ValuesIn(device_and_memory_cases()), device_case_name);

TEST_P(DeviceShortlist, IsTheBeginningOfAllInOrder) {
  for (const std::int32_t width : {1, 2, 63, 64, 65, 1024, 1025, 32003}) {
    std::vector<float> logits = data_.numbers(3 * static_cast<std::size_t>(width));
    for (float& logit : logits) logit *= 20.0F;
    expect_shortlists(width, logits);
  }
}

TEST_P(DeviceShortlist, RangesMergeToTheShortlistOfAll) {
  constexpr std::int32_t kWidth = 300, kCount = 40, kCuts[] = {0, 64, 192, 300};
  std::vector<float> logits = data_.numbers(kWidth);
  for (float& logit : logits) logit = std::round(logit * 30.0F);  // with equals, in one range and in several
  std::ranges::fill_n(logits.begin() + 64, 100, -std::numeric_limits<float>::infinity());
  std::vector<std::vector<float>> rows;
  std::vector<Shortlist> ranges;
  for (std::size_t i = 0; i + 1 < std::size(kCuts); ++i) {
    const std::int32_t width = kCuts[i + 1] - kCuts[i];
    reserve({{Slot::logits_band, width}}, 1);
    begin(1);
    write(Slot::logits_band, 1, {logits.begin() + kCuts[i], logits.begin() + kCuts[i + 1]});
    const std::span<const float> found = device_->shortlist(Slot::logits_band, kCount);
    std::vector<float>& row = rows.emplace_back(found.begin(), found.end());
    for (std::size_t k = 1; k + 2 < row.size(); k += 2) row[k] += static_cast<float>(kCuts[i]);
  }
  for (const auto& row : rows) ranges.emplace_back(row);
  std::vector<float> merged(static_cast<std::size_t>(shortlist_width(kCount)));
  merge_shortlists(ranges, merged);
  expect_shortlist(logits, Shortlist(merged));
}

TEST_P(DeviceShortlist, EqualsAreInOrderOfTokens) {
  for (const std::int32_t width : {65, 2500}) {
    std::vector<float> logits = data_.numbers(3 * static_cast<std::size_t>(width));
    for (float& logit : logits) logit = std::round(logit * 2.0F);  // zeros of either sign among them
    expect_shortlists(width, logits);
    expect_shortlists(width, std::vector<float>(static_cast<std::size_t>(width), -3.0F));
  }
}

TEST_P(DeviceShortlist, WhatIsNotFiniteHasItsPlace) {
  constexpr std::int32_t kWidth = 1100;
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  std::vector<float> logits(4 * kWidth, -kInfinite);
  logits[70] = -5.0F;
  logits[kWidth - 1] = -50000.0F;
  for (std::int32_t i = 0; i < kWidth; ++i) logits[2 * kWidth + i] = 30000.0F + static_cast<float>(i % 3);
  logits[3 * kWidth + 5] = std::numeric_limits<float>::quiet_NaN();
  logits[3 * kWidth + 6] = 2.0F;
  logits[3 * kWidth + 7] = kInfinite;
  expect_shortlists(kWidth, logits);
}

}  // namespace
}  // namespace covey
