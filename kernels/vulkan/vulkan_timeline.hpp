// What has been handed to the queue, and waiting for it: by one timeline semaphore where the device has them, else by a
// fence for each of two submissions in turn.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/vulkan/vulkan_context.hpp"

namespace covey {

class VulkanTimeline {
 public:
  explicit VulkanTimeline(const VulkanContext& context);
  ~VulkanTimeline();
  VulkanTimeline(const VulkanTimeline&) = delete;
  VulkanTimeline& operator=(const VulkanTimeline&) = delete;

  /// Hands commands over, as submission 1, 2, …; the number. All but the last one must have been waited for.
  std::uint64_t submit(VkCommandBuffer commands);
  /// Until that submission is done, and all before it. Once for each, in order. Throws Error for a lost device.
  void wait(std::uint64_t submission);

 private:
  void destroy();
  VkFence fence_of(std::uint64_t submission) const { return fences_[submission % fences_.size()]; }

  const VulkanContext& context_;
  VkSemaphore semaphore_ = VK_NULL_HANDLE;
  std::array<VkFence, 2> fences_{};
  std::uint64_t submitted_ = 0;
};

}  // namespace covey
