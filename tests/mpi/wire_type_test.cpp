#include "mpi/wire_type.hpp"

#include <cmath>
#include <limits>

#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

std::vector<float> through(WireType type, const std::vector<float>& values) {
  std::vector<std::byte> bytes(wire_bytes(type, values.size()));
  to_wire(type, values, bytes);
  std::vector<float> back(values.size());
  from_wire(type, bytes, back);
  return back;
}

std::vector<float> waves(std::size_t size) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = std::sin(static_cast<float>(i)) * std::exp2(static_cast<float>(i / 32 % 20) - 10);
  }
  return values;
}

TEST(WireType, SizesAreAsDocumented) {
  EXPECT_EQ(wire_bytes(WireType::f32, 100), 400U);
  EXPECT_EQ(wire_bytes(WireType::f16, 100), 200U);
  EXPECT_EQ(wire_bytes(WireType::int8, 96), 102U);
  EXPECT_EQ(wire_bytes(WireType::int8, 100), 108U);
  EXPECT_EQ(wire_bytes(WireType::int8, 0), 0U);
  EXPECT_LE(static_cast<double>(wire_bytes(WireType::int8, 2048)), 0.3 * 4 * 2048);
}

TEST(WireType, ErrorsAreThoseOfTheType) {
  for (const std::size_t size : {1UL, 31UL, 32UL, 33UL, 2048UL, 2060UL}) {
    const std::vector<float> values = waves(size);
    EXPECT_EQ(through(WireType::f32, values), values);
    const auto half = through(WireType::f16, values);
    const auto byte = through(WireType::int8, values);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(half[i], values[i], std::max(0x1p-11F * std::fabs(values[i]), 0x1p-25F));
      float largest = 0;
      for (std::size_t k = i / 32 * 32; k < std::min(size, i / 32 * 32 + 32); ++k) {
        largest = std::max(largest, std::fabs(values[k]));
      }
      // Half a step, and what the scale's own rounding adds.
      EXPECT_NEAR(byte[i], values[i], largest / 127 * 0.5F + largest * 0x1p-10F) << i;
    }
  }
}

TEST(WireType, WhatIsRepresentableStays) {
  const std::vector<float> halves = {0.0F, 1.0F, -2.5F, 65504.0F, 0x1p-24F};
  EXPECT_EQ(through(WireType::f16, halves), halves);
  const std::vector<float> zeros(40);
  EXPECT_EQ(through(WireType::int8, zeros), zeros);
  const auto once = through(WireType::int8, {127.0F, 1.0F, -64.0F});
  EXPECT_EQ(once, (std::vector<float>{127.0F, 1.0F, -64.0F}));
}

TEST(WireType, LargeValuesAreClampedAndNoNumbersStayVisible) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(through(WireType::f16, {1e9F, -infinity}), (std::vector<float>{65504.0F, -65504.0F}));
  for (const float odd : {std::nanf(""), infinity, -infinity, 1e30F}) {
    const auto back = through(WireType::int8, {1.0F, odd, 2.0F});
    for (const float value : back) EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_TRUE(std::isnan(through(WireType::f16, {std::nanf("")})[0]));
  // Too small for a scale in fp16.
  for (const float value : through(WireType::int8, {1e-12F, -1e-20F})) EXPECT_EQ(value, 0.0F);
}

TEST(WireType, SizesThatDontBelongTogetherAreErrors) {
  std::vector<float> values(33);
  std::vector<std::byte> bytes(66);
  for (const WireType type : {WireType::f32, WireType::int8}) {
    EXPECT_THROW(to_wire(type, values, bytes), Error);
    EXPECT_THROW(from_wire(type, bytes, values), Error);
  }
}

TEST(WireType, NamesAreFound) {
  for (const std::string& name : wire_names()) EXPECT_EQ(wire_name(find_wire(name)), name);
  EXPECT_TRUE(contains(error_of([] { find_wire("int4"); }), "--wire: there is no type 'int4'"));
}

}  // namespace
}  // namespace covey
