// Stands in for kernels/vulkan/ in a build without Vulkan.
#include "covey/error.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

std::string vulkan_missing() {
  return "this build of Covey has no Vulkan: install the Vulkan headers and glslangValidator "
         "(scripts/install-packages.sh), then configure and build again";
}

std::vector<VulkanDeviceInfo> vulkan_devices() { return {}; }

std::unique_ptr<Device> make_vulkan_device(const VulkanOptions& /*options*/) { throw Error(vulkan_missing()); }

struct VulkanLimitMeter::Impl {};

VulkanLimitMeter::VulkanLimitMeter(const VulkanOptions& /*options*/) { throw Error(vulkan_missing()); }
VulkanLimitMeter::~VulkanLimitMeter() = default;

MachineLimits VulkanLimitMeter::measure(double /*time*/) { return {}; }

}  // namespace covey
