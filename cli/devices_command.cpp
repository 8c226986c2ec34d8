#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "kernels/cpu/cores.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/device_profile.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

namespace {

struct DevicesFlags {
  bool json = false;
  bool limits = false;
};

/// What it has, and what it can do if that is asked.
DeviceProfile profile(const DevicesFlags& flags, const std::optional<VulkanOptions>& vulkan) {
  constexpr double kLimitSeconds = 0.1;
  return profile_device({}, vulkan, flags.limits ? std::optional(kLimitSeconds) : std::nullopt);
}

VulkanOptions options_of(const VulkanDeviceInfo& info) {
  VulkanOptions options;
  options.device = info.index;
  return options;
}

void add_limits(nlohmann::json& entry, const DeviceProfile& profile) {
  if (!profile.limits) return;
  entry["limits"] = {{"bandwidth", profile.limits->read_bytes},
                     {"fma", profile.limits->float_operations},
                     {"int8", profile.limits->int8_operations},
                     {"fp16", profile.limits->half_operations}};
}

std::string devices_json(const DevicesFlags& flags) {
  nlohmann::json list = nlohmann::json::array();
  const DeviceProfile cpu = profile(flags, std::nullopt);
  list.push_back({{"device", "cpu"},
                  {"name", select_isa("").name},
                  {"kind", "cpu"},
                  {"cores", available_cores()},
                  {"memory_bytes", cpu.memory_bytes},
                  {"free_bytes", cpu.free_bytes}});
  add_limits(list.back(), cpu);
  for (const VulkanDeviceInfo& info : vulkan_devices()) {
    list.push_back({{"device", fmt::format("vulkan:{}", info.index)},
                    {"name", info.name},
                    {"kind", info.kind},
                    {"driver", info.driver},
                    {"vulkan", info.api},
                    {"memory_bytes", info.memory_bytes},
                    {"free_bytes", info.free_bytes},
                    {"binding_bytes", info.binding_bytes},
                    {"features", info.features}});
    add_limits(list.back(), profile(flags, options_of(info)));
  }
  return list.dump(2) + "\n";
}

std::string limits_text(const DeviceProfile& profile) {
  std::string text = fmt::format("reads {:.1f} GB/s, {:.0f} GFLOP/s", profile.limits->read_bytes * 1e-9,
                                 profile.limits->float_operations * 1e-9);
  if (profile.limits->int8_operations > 0) {
    text += fmt::format(", int8 {:.0f} GOP/s", profile.limits->int8_operations * 1e-9);
  }
  if (profile.limits->half_operations > 0) {
    text += fmt::format(", fp16 {:.0f} GFLOP/s", profile.limits->half_operations * 1e-9);
  }
  return text;
}

int list_devices(const DevicesFlags& flags) {
  if (flags.json) {
    print(devices_json(flags));
    return kExitOk;
  }
  TextTable table({"device", "kind", "name", "memory", "free", "Vulkan", "driver", "features"}, {0, 1, 2, 5, 6, 7});
  const DeviceProfile cpu = profile(flags, std::nullopt);
  table.add_row({"cpu", "cpu", fmt::format("{}, {} cores", select_isa("").name, available_cores()),
                 format_bytes(cpu.memory_bytes), format_bytes(cpu.free_bytes), "", "", ""});
  std::string limits = flags.limits ? fmt::format("cpu: {}\n", limits_text(cpu)) : "";
  for (const VulkanDeviceInfo& info : vulkan_devices()) {
    table.add_row({fmt::format("vulkan:{}", info.index), info.kind, info.name, format_bytes(info.memory_bytes),
                   format_bytes(info.free_bytes), info.api, info.driver,
                   fmt::format("{}", fmt::join(info.features, ", "))});
    if (flags.limits) {
      limits += fmt::format("vulkan:{}: {}\n", info.index, limits_text(profile(flags, options_of(info))));
    }
  }
  print(table.text() + (flags.limits ? "\n" + limits : ""));
  const std::string missing = vulkan_missing();
  if (!missing.empty()) print_note(missing);
  return kExitOk;
}

}  // namespace

CommandRun add_devices(CLI::App& parser) {
  auto flags = std::make_shared<DevicesFlags>();
  parser.add_flag("--json", flags->json, "As JSON");
  parser.add_flag("--limits", flags->limits, "Measure what each can do at most");
  return [flags] { return list_devices(*flags); };
}

}  // namespace covey
