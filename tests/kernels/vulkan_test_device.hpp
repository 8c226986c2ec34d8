// A Vulkan device under the eyes of the validation layer: what that says fails the test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "kernels/vulkan_device.hpp"

namespace covey {

/// For GTEST_SKIP().
inline std::string why_no_vulkan() {
  const std::string missing = vulkan_missing();
  return missing.empty() ? "there is no driver for a Vulkan device here" : missing;
}

inline bool have_vulkan() {
  static const bool have = !vulkan_devices().empty();
  return have;
}

inline VulkanOptions vulkan_test_options() {
  VulkanOptions options;
  options.cache_folder = "";
  options.on_message = [](std::string_view message) { ADD_FAILURE() << message; };
  return options;
}

/// nullptr where there is none.
inline std::unique_ptr<Device> vulkan_test_device(bool plain) {
  if (!have_vulkan()) return nullptr;
  VulkanOptions options = vulkan_test_options();
  options.plain = plain;
  return make_vulkan_device(options);
}

}  // namespace covey
