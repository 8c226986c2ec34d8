// How long the GPU takes for what, by its own clock: timestamps between dispatches, added up by kind of work.
//
// Dispatches without a barrier between them may run side by side; the time of each is then what it adds to those before
// it. The sum is right whatever runs beside what.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/vulkan/vulkan_context.hpp"

namespace covey {

/// Of a frame of commands.
class VulkanClock {
 public:
  /// Does nothing unless VulkanOptions::timed is set, and the queue has a clock.
  explicit VulkanClock(const VulkanContext& context);
  ~VulkanClock();
  VulkanClock(const VulkanClock&) = delete;
  VulkanClock& operator=(const VulkanClock&) = delete;

  void begin(VkCommandBuffer commands);
  /// After a command that does `work`, a string literal.
  void mark(VkCommandBuffer commands, std::string_view work);
  bool full() const { return pool_ != VK_NULL_HANDLE && works_.size() + 1 >= kMarks; }
  /// Adds what was marked, once the commands are done.
  void add_to(std::vector<OperationTime>& times);

 private:
  static constexpr std::uint32_t kMarks = 1024;

  const VulkanContext& context_;
  VkQueryPool pool_ = VK_NULL_HANDLE;
  std::uint64_t mask_ = 0;  // of the bits that count
  std::vector<std::string_view> works_;
};

}  // namespace covey
