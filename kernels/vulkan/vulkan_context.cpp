#include "kernels/vulkan/vulkan_context.hpp"

#include <algorithm>
#include <utility>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kStorageBuffers = 5;  // kMostBindings of vulkan_pipelines.hpp

VulkanCandidate chosen_device(const VulkanInstance& instance) {
  std::vector<VulkanCandidate> all = instance.candidates();
  if (all.empty()) {
    throw Error(
        "there is no Vulkan device here: install a driver for the GPU, or Mesa's software driver "
        "(Debian's mesa-vulkan-drivers), or use --device cpu");
  }
  const std::int32_t index = instance.options().device;
  if (index < 0 || static_cast<std::size_t>(index) >= all.size()) {
    throw Error("there is no Vulkan device " + std::to_string(index) + ", the last is " +
                std::to_string(all.size() - 1) + ": covey devices lists them");
  }
  return std::move(all[static_cast<std::size_t>(index)]);
}

}  // namespace

VulkanContext::VulkanContext(const VulkanOptions& options)
    : instance_(options),
      physical_(chosen_device(instance_)),
      features_(physical_.features.chosen(instance_.options().use)) {
  instance_.device_name = physical_.info.name;
  if (limits().maxPerStageDescriptorStorageBuffers < kStorageBuffers) {
    throw Error("Vulkan device " + physical_.info.name + " gives a shader " +
                std::to_string(limits().maxPerStageDescriptorStorageBuffers) + " storage buffers, and " +
                std::to_string(kStorageBuffers) + " are needed: use another device, or --device cpu");
  }
  VkPhysicalDeviceMaintenance3Properties sizes{};
  sizes.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  properties.pNext = &sizes;
  api().GetPhysicalDeviceProperties2(physical_.handle, &properties);
  largest_allocation_ = sizes.maxMemoryAllocationSize;
  VkPhysicalDeviceMemoryProperties2 memory{};
  memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  api().GetPhysicalDeviceMemoryProperties2(physical_.handle, &memory);
  memory_ = memory.memoryProperties;

  const float priority = 1.0F;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = physical_.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  const VulkanFeatureRequest request(features_);
  info.pNext = request.chain();
  info.enabledExtensionCount = static_cast<std::uint32_t>(request.extensions().size());
  info.ppEnabledExtensionNames = request.extensions().data();
  call("vkCreateDevice", api().CreateDevice, physical_.handle, &info, nullptr, &device_);
  instance_.api.load_of(device_);
  api().GetDeviceQueue(device_, physical_.queue_family, 0, &queue_);
}

VulkanContext::~VulkanContext() {
  if (device_ != VK_NULL_HANDLE) api().DestroyDevice(device_, nullptr);
}

VkDeviceSize VulkanContext::largest_binding() const {
  // What Vulkan promises of every device.
  constexpr VkDeviceSize kLeast = VkDeviceSize{1} << 27;
  if (options().binding_limit > 0) return options().binding_limit;
  return options().use == VulkanUse::none ? kLeast : limits().maxStorageBufferRange;
}

std::uint64_t VulkanContext::free_bytes(std::uint32_t heap, std::uint64_t held) const {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
  budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
  VkPhysicalDeviceMemoryProperties2 memory{};
  memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  if (!physical_.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) {
    const std::uint64_t all = memory_.memoryHeaps[heap].size;
    return all - std::min(held, all);
  }
  memory.pNext = &budget;
  api().GetPhysicalDeviceMemoryProperties2(physical_.handle, &memory);
  return budget.heapBudget[heap] - std::min(budget.heapUsage[heap], budget.heapBudget[heap]);
}

}  // namespace covey
