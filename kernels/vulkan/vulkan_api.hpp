// The Vulkan functions that Covey calls, found at run time: a program built with Vulkan runs where there is none.
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <string>

namespace covey {

// clang-format off
#define COVEY_VULKAN_GLOBAL(X) X(CreateInstance) X(EnumerateInstanceLayerProperties) X(EnumerateInstanceVersion)
#define COVEY_VULKAN_OF_INSTANCE(X)                                                                               \
  X(DestroyInstance) X(EnumeratePhysicalDevices) X(GetPhysicalDeviceProperties2) X(GetPhysicalDeviceFeatures2)    \
  X(GetPhysicalDeviceMemoryProperties2) X(GetPhysicalDeviceQueueFamilyProperties) X(CreateDevice)                 \
  X(EnumerateDeviceExtensionProperties) X(GetDeviceProcAddr)
#define COVEY_VULKAN_OF_DEVICE(X)                                                                                 \
  X(DestroyDevice) X(GetDeviceQueue) X(DeviceWaitIdle) X(AllocateMemory) X(FreeMemory) X(MapMemory)               \
  X(CreateBuffer) X(DestroyBuffer) X(GetBufferMemoryRequirements) X(BindBufferMemory) X(CreateShaderModule)       \
  X(DestroyShaderModule) X(CreateDescriptorSetLayout) X(DestroyDescriptorSetLayout) X(CreatePipelineLayout)       \
  X(DestroyPipelineLayout) X(CreatePipelineCache) X(DestroyPipelineCache) X(GetPipelineCacheData)                 \
  X(CreateComputePipelines) X(DestroyPipeline) X(CreateDescriptorPool) X(DestroyDescriptorPool)                   \
  X(AllocateDescriptorSets) X(UpdateDescriptorSets) X(CreateCommandPool) X(DestroyCommandPool)                    \
  X(ResetCommandPool) X(AllocateCommandBuffers) X(BeginCommandBuffer) X(EndCommandBuffer) X(CmdBindPipeline)      \
  X(CmdBindDescriptorSets) X(CmdPushConstants) X(CmdDispatch) X(CmdCopyBuffer) X(CmdPipelineBarrier)              \
  X(CreateFence) X(DestroyFence) X(ResetFences) X(WaitForFences) X(QueueSubmit) X(CreateSemaphore)                \
  X(DestroySemaphore) X(WaitSemaphoresKHR) X(CreateQueryPool) X(DestroyQueryPool) X(GetQueryPoolResults)          \
  X(CmdResetQueryPool) X(CmdWriteTimestamp)
// clang-format on

struct VulkanApi {
  PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
#define COVEY_VULKAN_MEMBER(name) PFN_vk##name name = nullptr;
  COVEY_VULKAN_GLOBAL(COVEY_VULKAN_MEMBER)
  COVEY_VULKAN_OF_INSTANCE(COVEY_VULKAN_MEMBER)
  COVEY_VULKAN_OF_DEVICE(COVEY_VULKAN_MEMBER)
#undef COVEY_VULKAN_MEMBER

  /// The functions that need no instance. False where no loader is installed.
  bool load();
  void load_of(VkInstance instance);
  void load_of(VkDevice device);
};

}  // namespace covey
