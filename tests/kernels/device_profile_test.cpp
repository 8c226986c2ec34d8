#include "kernels/device_profile.hpp"

#include <gtest/gtest.h>

#include "tests/error_of.hpp"
#include "tests/kernels/vulkan_test_device.hpp"

namespace covey {
namespace {

void expect_whole(const DeviceProfile& profile) {
  EXPECT_FALSE(profile.name.empty());
  EXPECT_GT(profile.free_bytes, 0U);
  EXPECT_GE(profile.memory_bytes, profile.free_bytes);
  ASSERT_TRUE(profile.limits);
  EXPECT_GT(profile.limits->float_operations, 0);
  EXPECT_GT(profile.limits->read_bytes, 0);
}

TEST(DeviceProfile, OfTheCpu) {
  CpuOptions one;
  one.threads = 1;
  EXPECT_FALSE(profile_device(one, std::nullopt).limits);
  expect_whole(profile_device(one, std::nullopt, 0));
}

TEST(DeviceProfile, OfAVulkanDeviceInTheSameWords) {
  if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  VulkanOptions options = vulkan_test_options();
  options.use = VulkanUse::all;
  const DeviceProfile profile = profile_device({}, options, 0);
  expect_whole(profile);
  const std::uint64_t half = profile.memory_bytes / 2;
  options.memory_limit = half;
  EXPECT_LE(profile_device({}, options).free_bytes, half);
  options.device = 99;
  EXPECT_NE(error_of([&] { profile_device({}, options); }).find("no Vulkan device 99"), std::string::npos);
}

}  // namespace
}  // namespace covey
