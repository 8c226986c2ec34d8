// What a device has and what it can do at most: one call for the CPU and for GPUs, so that whoever divides work among
// them, or compares with them, asks all alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/cpu/machine_limits.hpp"
#include "kernels/device.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

struct DeviceProfile {
  std::string name;                ///< "avx2, 2 threads", or as the GPU's driver calls it
  std::uint64_t memory_bytes = 0;  ///< in all
  std::uint64_t free_bytes = 0;    ///< that may be taken now: what system or driver say, VulkanOptions::memory_limit
  std::optional<MachineLimits> limits;  ///< measured, if they were asked for
};

/// Of the GPU, or of the CPU with so many threads of that instruction set if there is none. With `limit_seconds` speeds
/// are measured too, for about so long each: 0 is a few repetitions. Throws Error for a device that is not there.
DeviceProfile profile_device(const CpuOptions& cpu, const std::optional<VulkanOptions>& vulkan,
                             std::optional<double> limit_seconds = std::nullopt);

/// Measures again and again what profile_device() measures once; keeps the memory that it reads.
class DeviceMeter {
 public:
  /// `buffer_bytes`: see LimitMeter. Throws Error for a GPU that is not there.
  explicit DeviceMeter(const std::optional<VulkanOptions>& vulkan, std::size_t buffer_bytes = 0);

  /// `cpu` says of which threads, where there is no GPU.
  MachineLimits measure(const CpuOptions& cpu, double seconds);

 private:
  std::optional<LimitMeter> cpu_;
  std::optional<VulkanLimitMeter> gpu_;
};

}  // namespace covey
