// Commands for the device, in order. They run when they are submitted: by finish(), at the start of another pass, or
// when the staging memory is full. While one frame of commands runs, the next is recorded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/vulkan/vulkan_clock.hpp"
#include "kernels/vulkan/vulkan_memory.hpp"
#include "kernels/vulkan/vulkan_pipelines.hpp"
#include "kernels/vulkan/vulkan_timeline.hpp"

namespace covey {

/// What a shader sees, and whether it writes there.
struct VulkanBinding {
  VulkanRange range;
  bool written = false;
};

/// So many workgroups: `count`, folded over two axes, times `layers`.
struct VulkanGrid {
  std::uint32_t count = 0;
  std::uint32_t layers = 1;
};

class VulkanRecorder {
 public:
  VulkanRecorder(const VulkanContext& context, VulkanMemory& memory, const VulkanPipelines& pipelines);
  ~VulkanRecorder();
  VulkanRecorder(const VulkanRecorder&) = delete;
  VulkanRecorder& operator=(const VulkanRecorder&) = delete;

  /// Runs `pipeline` over the grid, after what wrote to the bindings, or read what it writes, has ended. Its time is
  /// counted as that of `work`, a string literal.
  void dispatch(VkPipeline pipeline, std::span<const VulkanBinding> bindings, std::span<const std::uint32_t> push,
                VulkanGrid grid, std::string_view work);
  void copy(const VulkanRange& from, const VulkanRange& to);
  /// Memory for the host to write what a copy() will read; good until something else is recorded or staged.
  VulkanRange stage(VkDeviceSize bytes);
  void upload(std::span<const std::byte> bytes, const VulkanRange& to);

  /// Hands over what has been recorded.
  void submit();
  /// The same, and waits until all is done. Throws Error for a device that is lost.
  void finish();

  /// Of what has been waited for, since this was last asked, with VulkanOptions::timed.
  std::vector<OperationTime> take_times() { return std::exchange(times_, {}); }

 private:
  struct Frame {
    explicit Frame(const VulkanContext& context) : clock(context) {}

    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    bool recording = false;
    std::uint64_t submission = 0;  // of the timeline, under way; 0: none
    VulkanClock clock;
    VulkanMemory::Allocation staging;
    VkDeviceSize staged = 0;
  };
  using Bound = std::array<std::array<std::uint64_t, 3>, kMostBindings>;  // buffer, offset, size

  Frame& frame() { return frames_[current_]; }
  void make(Frame& frame);
  void destroy();
  /// The current frame, ready to be written to.
  Frame& begin();
  void wait(Frame& frame);
  /// A barrier, if what is about to run needs one.
  void order(std::span<const VulkanBinding> bindings);
  void barrier(VkPipelineStageFlags after, VkAccessFlags reads);
  VkDescriptorSet set_of(std::span<const VulkanBinding> bindings);
  VkDescriptorSet new_set();
  void forget_sets();

  const VulkanContext& context_;
  VulkanMemory& memory_;
  const VulkanPipelines& pipelines_;
  VulkanTimeline timeline_;
  std::array<Frame, 2> frames_;
  std::size_t current_ = 0;
  std::vector<VulkanRange> read_, written_;  // since the last barrier
  std::map<Bound, VkDescriptorSet> sets_;
  std::vector<VkDescriptorPool> pools_;
  std::uint32_t left_in_pool_ = 0;
  std::size_t generation_ = 0;  // of the memory that sets_ were made for
  std::vector<OperationTime> times_;
};

}  // namespace covey
