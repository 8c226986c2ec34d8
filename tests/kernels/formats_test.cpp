// The run-time list of formats: decode and encode.
#include "kernels/quant/formats.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error_bounds.hpp"
#include "samples.hpp"
#include "whole_blocks.hpp"

namespace covey {
namespace {

class Formats : public testing::TestWithParam<Format> {
 protected:
  const TensorTypeInfo& info() const { return tensor_type_info(GetParam().type); }
  /// Columns of a block, or of 32 where a block is one weight: a small one is judged beside larger ones.
  std::size_t block() const { return whole_blocks(GetParam().type, 32); }
  std::size_t bytes(std::int64_t n) const { return n / info().block_elements * info().block_bytes; }

  std::vector<float> decoded(std::span<const std::byte> row) const {
    std::vector<float> values(row.size() / info().block_bytes * info().block_elements);
    GetParam().decode(row.data(), values.size(), values.data());
    return values;
  }
  std::vector<std::byte> encoded(std::span<const float> values) const {
    std::vector<std::byte> row(bytes(values.size()));
    GetParam().encode(values.data(), values.size(), row.data());
    return row;
  }
};

TEST_P(Formats, IsFoundByItsType) {
  const Format* found = find_format(GetParam().type);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->index, GetParam().index);
  EXPECT_EQ(&formats()[GetParam().index], found);
}

TEST_P(Formats, DecodeOfEncodeIsNear) {
  Samples samples(3);
  for (const float scale : {1.0F, 0.1F, 300.0F}) {
    const std::vector<float> values = samples.take(block() * 64, scale);
    const std::vector<float> back = decoded(encoded(values));
    for (std::size_t begin = 0; begin < values.size(); begin += block()) {
      const std::size_t end = begin + block();
      float amax = 0.0F;
      for (std::size_t i = begin; i < end; ++i) amax = std::max(amax, std::abs(values[i]));
      for (std::size_t i = begin; i < end; ++i) {
        ASSERT_LE(std::abs(back[i] - values[i]), error_bound(GetParam().type) * amax) << i;
      }
    }
  }
}

/// A search may find a block's own numbers again or others that are nearly as good, and then loses little by that.
TEST_P(Formats, EncodingAgainChangesNothing) {
  Samples samples(4);
  const std::vector<float> values = samples.take(block() * 50);
  const std::vector<std::byte> row = encoded(values);
  const std::vector<std::byte> again = encoded(decoded(row));
  if (encode_searches(GetParam().type)) {
    const double lost = root_mean_square(decoded(row), values);
    EXPECT_LE(root_mean_square(decoded(again), decoded(row)), lost / 3);
  } else {
    EXPECT_EQ(again, row);
  }
}

/// Blocks whose weights are all of one sign, or far from zero for their spread: the minimum of most formats with one
/// cannot be above zero.
TEST_P(Formats, DecodeOfEncodeIsNearAwayFromZero) {
  Samples samples(6);
  for (const float middle : {1.0F, -1.0F, 40.0F, -40.0F}) {
    std::vector<float> values = samples.take(block() * 8);
    for (float& value : values) value += middle;
    const float amax = std::abs(middle) + 1.0F;
    const std::vector<float> back = decoded(encoded(values));
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_LE(std::abs(back[i] - values[i]), error_bound(GetParam().type) * amax) << values[i];
    }
  }
}

TEST_P(Formats, ZerosStayZeros) {
  const std::vector<float> back = decoded(encoded(std::vector<float>(2 * block(), 0.0F)));
  for (const float value : back) EXPECT_EQ(value, 0.0F);
}

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();

TEST_P(Formats, NumbersThatAreNotFiniteDoNoHarm) {
  std::vector<float> values(2 * block(), 0.5F);
  const std::vector<float> clean = decoded(encoded(values));
  for (const float odd : {kInfinity, -kInfinity, kNotANumber, kLargest, -kLargest, 1e-45F}) {
    values[5] = odd;
    const std::vector<float> back = decoded(encoded(values));
    for (std::size_t i = block(); i < values.size(); ++i) {
      EXPECT_EQ(back[i], clean[i]) << "the block beside the one with " << odd;
      EXPECT_NEAR(back[i], 0.5F, 0.5 * error_bound(GetParam().type) + 1e-6);
    }
  }
}

TEST_P(Formats, InfinityStaysVisible) {
  for (const float odd : {kInfinity, -kInfinity}) {
    std::vector<float> values(block(), 0.5F);
    values[5] = odd;
    const std::vector<float> back = decoded(encoded(values));
    EXPECT_FALSE(std::ranges::all_of(back, [](float value) { return std::isfinite(value); })) << odd;
  }
}

/// For the sanitizers, and the same bytes each time.
TEST_P(Formats, BlocksOfOddNumbersAreEncoded) {
  const std::vector<std::vector<float>> mixtures = {{kNotANumber},
                                                    {kInfinity},
                                                    {-kInfinity},
                                                    {kLargest},
                                                    {-kLargest},
                                                    {kLargest, -kLargest},
                                                    {1e-45F},
                                                    {-1e-45F, 1e-45F},
                                                    {1e-38F, 0.0F},
                                                    {6e-8F},
                                                    {-6e-8F},
                                                    {1e-5F, 1e-9F, -1e-7F},
                                                    {kNotANumber, 1, -2, 3, kInfinity, 1e-40F},
                                                    {1e20F, 1.0F, -1e-20F},
                                                    {-1e30F, 65504.0F}};
  for (const auto& mixture : mixtures) {
    std::vector<float> values(2 * block());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = mixture[i * 7 % mixture.size()];
    EXPECT_EQ(encoded(values), encoded(values)) << mixture.front();
  }
}

TEST(FormatList, HasEveryTypeOnce) {
  for (const Format& format : formats()) EXPECT_EQ(find_format(format.type), &format);
  EXPECT_EQ(formats().size(), kFormatCount);
  EXPECT_EQ(formats().size(), tensor_types().size());
  for (const TensorTypeInfo& info : tensor_types()) EXPECT_NE(find_format(info.type), nullptr) << info.name;
}

INSTANTIATE_TEST_SUITE_P(Formats, Formats, testing::ValuesIn(formats().begin(), formats().end()),
                         [](const auto& of) { return name_of(of.param); });

}  // namespace
}  // namespace covey
