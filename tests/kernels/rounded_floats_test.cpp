// Fewer bits on the way between ranks, on every instruction set that runs here: what is read back is near, is what the
// sender goes on with, and has the same bits with all of them.
#include "kernels/cpu/rounded_floats.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "samples.hpp"

namespace covey {
namespace {

std::vector<float> odd_ones(std::vector<float> values) {
  const float odd[] = {kNan, kInfinity, -kInfinity, 1e30F, -70000.0F, 65504.0F, 1e-12F, -0.0F, 0x1p-24F, 65519.9F};
  for (std::size_t i = 0; i < std::size(odd) && 40 * i + 7 < values.size(); ++i) values[40 * i + 7] = odd[i];
  return values;
}

TEST(RoundedFloats, HalvesAreThoseOfOneAtATime) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : {0, 1, 15, 16, 17, 100, 1000}) {
      const std::vector<float> values = odd_ones(Samples(n).take(n, 1000.0F));
      std::vector<std::byte> halves(2 * n + 1, std::byte{0x5a});
      isa->to_f16(values.data(), n, halves.data());
      EXPECT_EQ(halves.back(), std::byte{0x5a}) << isa->name;
      std::vector<float> back(n + 1, 3.0F);
      isa->from_f16(halves.data(), n, back.data());
      EXPECT_EQ(back.back(), 3.0F) << isa->name;
      for (std::int64_t i = 0; i < n; ++i) {
        if (std::isnan(values[i])) {
          EXPECT_TRUE(std::isnan(back[i])) << isa->name;
          continue;
        }
        const std::uint16_t expected = f32_to_fp16(std::clamp(values[i], -kLargestF16, kLargestF16));
        EXPECT_EQ(load_u16(&halves[2 * i]), expected) << isa->name << ", " << values[i];
        EXPECT_EQ(back[i], fp16_to_f32(expected)) << isa->name;
      }
    }
  }
}

TEST(RoundedFloats, BlocksAreReadBackAsTheSenderGoesOn) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : {0, 32, 96, 1024}) {
      for (const float range : {1e-6F, 1.0F, 1e6F}) {
        const std::vector<float> before = Samples(n).take(n, range), carried = Samples(n + 1).take(n, range);
        std::vector<float> values = before, lost = carried, back(n);
        std::vector<std::byte> blocks(n / 32 * 34 + 1, std::byte{0x5a});
        isa->to_q8(values.data(), lost.data(), n, blocks.data());
        EXPECT_EQ(blocks.back(), std::byte{0x5a}) << isa->name;
        isa->from_q8(blocks.data(), n, back.data());
        EXPECT_TRUE(same_bits(values, back)) << isa->name;
        for (std::int64_t i = 0; i < n; ++i) {
          float largest = 0.0F;
          for (std::int64_t k = i / 32 * 32; k < i / 32 * 32 + 32; ++k) {
            largest = std::max(largest, std::fabs(before[k]));
          }
          // Half a step, and what rounding the scale adds: of small ones, half of 2^-24.
          EXPECT_NEAR(back[i], before[i], largest / 127 * 0.5F + largest * 0x1p-11F + 127 * 0x1p-25F) << isa->name;
          EXPECT_EQ(lost[i], carried[i] + (before[i] - back[i])) << isa->name;
        }
      }
    }
  }
}

TEST(RoundedFloats, EverySetMakesTheSameBits) {
  constexpr std::int64_t kValues = 1024;
  for (const float range : {1e-7F, 1.0F, 1e7F, 1e20F}) {
    const std::vector<float> before = odd_ones(Samples(9).take(kValues, range));
    std::vector<float> expected = before;
    std::vector<std::byte> expected_blocks(kValues / 32 * 34);
    scalar().to_q8(expected.data(), nullptr, kValues, expected_blocks.data());
    for (const IsaTable* isa : tables_that_run()) {
      std::vector<float> values = before;
      std::vector<std::byte> blocks(expected_blocks.size());
      isa->to_q8(values.data(), nullptr, kValues, blocks.data());
      EXPECT_EQ(blocks, expected_blocks) << isa->name;
      for (std::int64_t i = 0; i < kValues; ++i) {
        EXPECT_TRUE(values[i] == expected[i] || (std::isnan(values[i]) && std::isnan(expected[i]))) << isa->name;
      }
    }
  }
}

TEST(RoundedFloats, ABlockWithWhatIsNotFiniteReadsAsNoNumbers) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const float odd : {kNan, kInfinity, -kInfinity, 1e30F}) {
      std::vector<float> values(64, 1.0F);
      values[5] = odd;
      std::vector<std::byte> blocks(68);
      isa->to_q8(values.data(), nullptr, 64, blocks.data());
      for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(std::isnan(values[i]), i < 32) << isa->name << ", " << i;
    }
  }
}

}  // namespace
}  // namespace covey
