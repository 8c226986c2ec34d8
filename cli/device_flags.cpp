#include "cli/device_flags.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"

namespace covey {

namespace {

CLI::Validator a_device() {
  return {[](std::string& text) {
            try {
              device_named(text);
              return std::string();
            } catch (const Error& error) {
              return std::string(error.what());
            }
          },
          ""};
}

}  // namespace

std::optional<VulkanOptions> DeviceFlags::of_rank(int rank, int ranks) const {
  if (devices.empty()) return device_named(device);
  if (devices.size() != static_cast<std::size_t>(ranks)) {
    throw UsageError(
        fmt::format("--devices names {} devices, and there are {} ranks: name one for each", devices.size(), ranks));
  }
  return device_named(devices[static_cast<std::size_t>(rank)]);
}

bool DeviceFlags::uses_cpu() const {
  if (devices.empty()) return device == "cpu";
  return std::ranges::find(devices, "cpu") != devices.end();
}

CLI::Option* add_device_flag(CLI::App& parser, std::string& device, const char* group) {
  return parser
      .add_option("--device", device, "What computes: cpu, or a GPU by Vulkan: vulkan, vulkan:N (default cpu)")
      ->check(a_device())
      ->option_text("NAME")
      ->group(group);
}

void add_devices_flag(CLI::App& parser, std::vector<std::string>& devices, const char* group) {
  parser.add_option("--devices", devices, "The same for each rank, as cpu,vulkan:0,vulkan:1")
      ->check(a_device())
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("LIST")
      ->group(group);
}

}  // namespace covey
