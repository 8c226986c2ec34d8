#include "kernels/half.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace covey {
namespace {

/// What a half means, by the definition of the format.
double meaning(int half, int exponent_bits, int mantissa_bits) {
  const int mantissa = half & ((1 << mantissa_bits) - 1);
  const int exponent = (half >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

TEST(Half, EveryFp16Widens) {
  for (int half = 0; half < 0x10000; ++half) {
    const float value = fp16_to_f32(static_cast<std::uint16_t>(half));
    if ((half & 0x7c00) == 0x7c00) {
      if ((half & 0x3ff) != 0) {
        ASSERT_TRUE(std::isnan(value)) << half;
      } else {
        ASSERT_EQ(value, (half & 0x8000) != 0 ? -kInfinity : kInfinity);
      }
    } else {
      ASSERT_EQ(value, meaning(half, 5, 10)) << half;
      ASSERT_EQ(std::signbit(value), (half & 0x8000) != 0) << half;
    }
  }
}

TEST(Half, EveryFp16Returns) {
  for (int half = 0; half < 0x10000; ++half) {
    const std::uint16_t back = f32_to_fp16(fp16_to_f32(static_cast<std::uint16_t>(half)));
    const bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0;
    ASSERT_EQ(back, nan ? half | 0x200 : half);
  }
}

TEST(Half, Fp16RoundsToNearestEven) {
  // Between every two neighbours: the middle goes to the even one, what is beside the middle to the nearer one.
  for (int half = 0; half < 0x7bff; ++half) {
    const float low = fp16_to_f32(static_cast<std::uint16_t>(half));
    const float high = fp16_to_f32(static_cast<std::uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(f32_to_fp16(middle), half % 2 == 0 ? half : half + 1);
    ASSERT_EQ(f32_to_fp16(std::nextafter(middle, 0.0F)), half);
    ASSERT_EQ(f32_to_fp16(std::nextafter(middle, kInfinity)), half + 1);
    ASSERT_EQ(f32_to_fp16(-middle), 0x8000 | (half % 2 == 0 ? half : half + 1));
  }
}

TEST(Half, Fp16Overflows) {
  EXPECT_EQ(f32_to_fp16(65504.0F), 0x7bff);
  EXPECT_EQ(f32_to_fp16(std::nextafter(65520.0F, 0.0F)), 0x7bff);
  EXPECT_EQ(f32_to_fp16(65520.0F), 0x7c00);
  EXPECT_EQ(f32_to_fp16(1e30F), 0x7c00);
  EXPECT_EQ(f32_to_fp16(-kInfinity), 0xfc00);
  EXPECT_EQ(f32_to_fp16(1e-30F), 0);
  EXPECT_EQ(f32_to_fp16(-1e-42F), 0x8000);
  EXPECT_TRUE(std::isnan(fp16_to_f32(f32_to_fp16(kNan))));
  // A NaN whose payload lies in the bits that are lost.
  EXPECT_TRUE(std::isnan(fp16_to_f32(f32_to_fp16(std::bit_cast<float>(0x7f800001U)))));
}

TEST(Half, EveryBf16Returns) {
  for (int half = 0; half < 0x10000; ++half) {
    const float value = bf16_to_f32(static_cast<std::uint16_t>(half));
    const bool special = (half & 0x7f80) == 0x7f80;
    if (!special) {
      ASSERT_EQ(value, meaning(half, 8, 7)) << half;
    }
    ASSERT_EQ(f32_to_bf16(value), special && (half & 0x7f) != 0 ? half | 0x40 : half);
  }
}

TEST(Half, Bf16RoundsToNearestEven) {
  for (int half = 0; half < 0x7f7f; ++half) {
    const float middle = std::bit_cast<float>((static_cast<std::uint32_t>(half) << 16) | 0x8000U);
    ASSERT_EQ(f32_to_bf16(middle), half % 2 == 0 ? half : half + 1);
    ASSERT_EQ(f32_to_bf16(std::nextafter(middle, 0.0F)), half);
    ASSERT_EQ(f32_to_bf16(std::nextafter(middle, kInfinity)), half + 1);
  }
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7f800001U)))));
}

}  // namespace
}  // namespace covey
