#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "kernels/cpu/cores.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

namespace {

std::string devices_json() {
  nlohmann::json list = nlohmann::json::array();
  list.push_back({{"device", "cpu"}, {"name", select_isa("").name}, {"kind", "cpu"}, {"cores", available_cores()}});
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
  }
  return list.dump(2) + "\n";
}

int list_devices(bool json) {
  if (json) {
    print(devices_json());
    return kExitOk;
  }
  TextTable table({"device", "kind", "name", "memory", "free", "Vulkan", "driver", "features"}, {0, 1, 2, 5, 6, 7});
  table.add_row(
      {"cpu", "cpu", fmt::format("{}, {} cores", select_isa("").name, available_cores()), "", "", "", "", ""});
  for (const VulkanDeviceInfo& info : vulkan_devices()) {
    table.add_row({fmt::format("vulkan:{}", info.index), info.kind, info.name, format_bytes(info.memory_bytes),
                   format_bytes(info.free_bytes), info.api, info.driver,
                   fmt::format("{}", fmt::join(info.features, ", "))});
  }
  print(table.text());
  const std::string missing = vulkan_missing();
  if (!missing.empty()) print_note(missing);
  return kExitOk;
}

}  // namespace

CommandRun add_devices(CLI::App& parser) {
  auto json = std::make_shared<bool>(false);
  parser.add_flag("--json", *json, "As JSON");
  return [json] { return list_devices(*json); };
}

}  // namespace covey
