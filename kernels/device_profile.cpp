#include "kernels/device_profile.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <string>

#include "covey/error.hpp"
#include "kernels/cpu/cores.hpp"
#include "kernels/cpu/isa.hpp"

namespace covey {
namespace {

int threads_of(const CpuOptions& cpu) { return cpu.threads > 0 ? cpu.threads : available_cores(); }

/// Bytes of a line of /proc/meminfo; 0 where there is none.
std::uint64_t memory_line(const std::string& wanted) {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kibibytes = 0;
  while (file >> name >> kibibytes) {
    if (name == wanted) return kibibytes << 10;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

DeviceProfile profile_cpu(const CpuOptions& cpu) {
  DeviceProfile profile;
  profile.name = std::string(select_isa(cpu.isa).name) + ", " + std::to_string(threads_of(cpu)) + " threads";
  profile.memory_bytes =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t available = memory_line("MemAvailable:");
  profile.free_bytes = available > 0 ? std::min(available, profile.memory_bytes) : profile.memory_bytes;
  return profile;
}

DeviceProfile profile_gpu(const VulkanOptions& options) {
  const std::vector<VulkanDeviceInfo> devices = vulkan_devices();
  const auto found = std::ranges::find(devices, options.device, &VulkanDeviceInfo::index);
  if (found == devices.end()) {
    make_vulkan_device(options);  // says what is wrong
    throw Error("there is no Vulkan device " + std::to_string(options.device) + ": covey devices lists them");
  }
  DeviceProfile profile;
  profile.name = found->name;
  profile.memory_bytes = found->memory_bytes;
  profile.free_bytes = options.memory_limit > 0 ? std::min(found->free_bytes, options.memory_limit) : found->free_bytes;
  return profile;
}

}  // namespace

DeviceProfile profile_device(const CpuOptions& cpu, const std::optional<VulkanOptions>& vulkan,
                             std::optional<double> limit_seconds) {
  DeviceProfile profile = vulkan ? profile_gpu(*vulkan) : profile_cpu(cpu);
  if (limit_seconds) profile.limits = DeviceMeter(vulkan).measure(cpu, *limit_seconds);
  return profile;
}

DeviceMeter::DeviceMeter(const std::optional<VulkanOptions>& vulkan, std::size_t buffer_bytes) {
  if (vulkan) {
    gpu_.emplace(*vulkan);
  } else {
    cpu_.emplace(buffer_bytes);
  }
}

MachineLimits DeviceMeter::measure(const CpuOptions& cpu, double seconds) {
  if (gpu_) return gpu_->measure(seconds);
  return cpu_->measure(select_isa(cpu.isa), threads_of(cpu), std::chrono::duration<double>(seconds));
}

}  // namespace covey
