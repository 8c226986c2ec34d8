// What computes: --device and --devices.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kernels/vulkan_device.hpp"

namespace covey {

struct DeviceFlags {
  std::string device = "cpu";        ///< --device: of every rank
  std::vector<std::string> devices;  ///< --devices: one a rank; empty: as `device`

  /// Of one rank of so many; nullopt is the CPU. Throws UsageError if there are not as many devices as ranks.
  std::optional<VulkanOptions> of_rank(int rank, int ranks) const;
  /// Whether any rank computes on the CPU.
  bool uses_cpu() const;
};

CLI::Option* add_device_flag(CLI::App& parser, std::string& device, const char* group);
void add_devices_flag(CLI::App& parser, std::vector<std::string>& devices, const char* group);

}  // namespace covey
