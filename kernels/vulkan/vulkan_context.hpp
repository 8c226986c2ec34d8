// The device in use: its queue, its limits, and what may be asked of it.
#pragma once

#include <memory>

#include "kernels/vulkan/vulkan_instance.hpp"

namespace covey {

class VulkanContext {
 public:
  /// Throws Error if there is no such device.
  explicit VulkanContext(const VulkanOptions& options);
  ~VulkanContext();
  VulkanContext(const VulkanContext&) = delete;
  VulkanContext& operator=(const VulkanContext&) = delete;

  template <class... Parameters, class... Arguments>
  void call(const char* name, VkResult (*function)(Parameters...), Arguments... arguments) const {
    instance_.call(name, function, arguments...);
  }
  template <class... Parameters, class... Arguments>
  VkResult try_call(const char* name, VkResult (*function)(Parameters...), Arguments... arguments) const {
    return instance_.try_call(name, function, arguments...);
  }

  const VulkanApi& api() const { return instance_.api; }
  const VulkanOptions& options() const { return instance_.options(); }
  VkDevice device() const { return device_; }
  VkQueue queue() const { return queue_; }
  const VulkanCandidate& physical() const { return physical_; }
  /// Those that were asked for.
  const VulkanFeatures& features() const { return features_; }
  const VkPhysicalDeviceLimits& limits() const { return physical_.properties.limits; }
  const VkPhysicalDeviceMemoryProperties& memory() const { return memory_; }
  /// Most bytes of one allocation, and of what a shader sees at once.
  VkDeviceSize largest_allocation() const { return largest_allocation_; }
  VkDeviceSize largest_binding() const;
  /// Bytes that the driver would give now from a heap. Where it doesn't say, what is left beside those `held`.
  std::uint64_t free_bytes(std::uint32_t heap, std::uint64_t held) const;

 private:
  VulkanInstance instance_;
  VulkanCandidate physical_;
  VulkanFeatures features_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkPhysicalDeviceMemoryProperties memory_{};
  VkDeviceSize largest_allocation_ = 0;
};

}  // namespace covey
