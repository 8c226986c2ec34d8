#include "kernels/vulkan/vulkan_timeline.hpp"

namespace covey {

VulkanTimeline::VulkanTimeline(const VulkanContext& context) : context_(context) {
  const VulkanApi& api = context_.api();
  try {
    if (context_.features().timeline) {
      VkSemaphoreTypeCreateInfo type{};
      type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
      type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
      VkSemaphoreCreateInfo info{};
      info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
      info.pNext = &type;
      context_.call("vkCreateSemaphore", api.CreateSemaphore, context_.device(), &info, nullptr, &semaphore_);
      return;
    }
    for (VkFence& fence : fences_) {
      VkFenceCreateInfo info{};
      info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
      context_.call("vkCreateFence", api.CreateFence, context_.device(), &info, nullptr, &fence);
    }
  } catch (...) {
    destroy();
    throw;
  }
}

VulkanTimeline::~VulkanTimeline() { destroy(); }

void VulkanTimeline::destroy() {
  const VulkanApi& api = context_.api();
  if (semaphore_ != VK_NULL_HANDLE) api.DestroySemaphore(context_.device(), semaphore_, nullptr);
  for (const VkFence fence : fences_) {
    if (fence != VK_NULL_HANDLE) api.DestroyFence(context_.device(), fence, nullptr);
  }
}

std::uint64_t VulkanTimeline::submit(VkCommandBuffer commands) {
  const std::uint64_t number = submitted_ + 1;
  VkTimelineSemaphoreSubmitInfo values{};
  values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &number;
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  VkFence fence = VK_NULL_HANDLE;
  if (semaphore_ != VK_NULL_HANDLE) {
    info.pNext = &values;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &semaphore_;
  } else {
    fence = fence_of(number);
  }
  context_.call("vkQueueSubmit", context_.api().QueueSubmit, context_.queue(), 1U, &info, fence);
  submitted_ = number;
  return number;
}

void VulkanTimeline::wait(std::uint64_t submission) {
  const VulkanApi& api = context_.api();
  if (semaphore_ != VK_NULL_HANDLE) {
    VkSemaphoreWaitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &semaphore_;
    info.pValues = &submission;
    context_.call("vkWaitSemaphores", api.WaitSemaphoresKHR, context_.device(), &info, UINT64_MAX);
    return;
  }
  const VkFence fence = fence_of(submission);
  context_.call("vkWaitForFences", api.WaitForFences, context_.device(), 1U, &fence, VkBool32{VK_TRUE}, UINT64_MAX);
  context_.call("vkResetFences", api.ResetFences, context_.device(), 1U, &fence);
}

}  // namespace covey
