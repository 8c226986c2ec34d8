// A connection to the Vulkan loader, and the devices that it knows.
#pragma once

#include <string>
#include <vector>

#include "kernels/vulkan/vulkan_api.hpp"
#include "kernels/vulkan/vulkan_features.hpp"
#include "kernels/vulkan/vulkan_result.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

/// A physical device that can compute.
struct VulkanCandidate {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties{};
  std::uint32_t queue_family = 0;
  std::uint32_t timestamp_bits = 0;  ///< of the queue's clock; 0: it has none
  VulkanFeatures features;
  std::vector<std::string> extensions;
  VulkanDeviceInfo info;

  bool has(std::string_view extension) const;
};

class VulkanInstance {
 public:
  /// Throws Error where there is no loader.
  explicit VulkanInstance(const VulkanOptions& options);
  ~VulkanInstance();
  VulkanInstance(const VulkanInstance&) = delete;
  VulkanInstance& operator=(const VulkanInstance&) = delete;

  /// In the order of vulkan_devices().
  std::vector<VulkanCandidate> candidates() const;

  /// Calls a function; throws Error naming it where it fails.
  template <class... Parameters, class... Arguments>
  void call(const char* name, VkResult (*function)(Parameters...), Arguments... arguments) const {
    const VkResult result = try_call(name, function, arguments...);
    if (result < 0) throw_vulkan_error(result, name, device_name);
  }
  /// The same, returning the result.
  template <class... Parameters, class... Arguments>
  VkResult try_call(const char* name, VkResult (*function)(Parameters...), Arguments... arguments) const {
    if (options_.fail) {
      const auto result = static_cast<VkResult>(options_.fail(name));
      if (result != VK_SUCCESS) return result;
    }
    return function(arguments...);
  }

  const VulkanOptions& options() const { return options_; }

  VulkanApi api;
  std::string device_name;  ///< for errors; of the device in use

 private:
  VulkanCandidate describe(VkPhysicalDevice device) const;

  VulkanOptions options_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
};

}  // namespace covey
