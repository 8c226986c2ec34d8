// What the rest of the library sees of kernels/vulkan/.
#include <memory>

#include "kernels/vulkan/gpu_device.hpp"
#include "kernels/vulkan/vulkan_instance.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

std::string vulkan_missing() {
  VulkanApi api;
  return api.load() ? "" : "there is no Vulkan here: install its loader (Debian's libvulkan1) and a driver for the GPU";
}

std::vector<VulkanDeviceInfo> vulkan_devices() {
  if (!vulkan_missing().empty()) return {};
  std::vector<VulkanDeviceInfo> devices;
  for (VulkanCandidate& candidate : VulkanInstance({}).candidates()) devices.push_back(std::move(candidate.info));
  return devices;
}

std::unique_ptr<Device> make_vulkan_device(const VulkanOptions& options) {
  return std::make_unique<GpuDevice>(options);
}

}  // namespace covey
