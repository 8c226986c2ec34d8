// A Vulkan device under the eyes of the validation layer, which looks for missing barriers too: what it says fails the
// test.
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

/// Software drivers take long to compile shaders, and over small batches.
inline bool vulkan_is_software() { return have_vulkan() && vulkan_devices().front().kind == "software"; }

inline VulkanOptions vulkan_test_options() {
  VulkanOptions options;
  options.cache_folder = "";
  options.check_synchronization = true;
  options.on_message = [](std::string_view message) { ADD_FAILURE() << message; };
  return options;
}

/// nullptr where there is none. What uses nothing but Vulkan 1.1 gets slots through copies, too.
inline std::unique_ptr<Device> vulkan_test_device(VulkanUse use) {
  if (!have_vulkan()) return nullptr;
  VulkanOptions options = vulkan_test_options();
  options.use = use;
  options.plain = use == VulkanUse::none;
  return make_vulkan_device(options);
}

}  // namespace covey
