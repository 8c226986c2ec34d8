#include "kernels/vulkan/vulkan_result.hpp"

#include <cstdio>

#include "covey/error.hpp"

namespace covey {
namespace {

struct Meaning {
  VkResult result;
  const char* name;
  const char* way_out;
};

constexpr const char* kLessMemory =
    "use a smaller model, a shorter context (--ctx), fewer layers there or another device";

constexpr Meaning kMeanings[] = {
    {VK_ERROR_OUT_OF_HOST_MEMORY, "VK_ERROR_OUT_OF_HOST_MEMORY", "the computer's own memory is full"},
    {VK_ERROR_OUT_OF_DEVICE_MEMORY, "VK_ERROR_OUT_OF_DEVICE_MEMORY", kLessMemory},
    {VK_ERROR_TOO_MANY_OBJECTS, "VK_ERROR_TOO_MANY_OBJECTS", kLessMemory},
    {VK_ERROR_DEVICE_LOST, "VK_ERROR_DEVICE_LOST",
     "the driver has given the device up, and what it computed is lost: start again; if it comes back, use another "
     "device or a newer driver"},
    {VK_ERROR_INITIALIZATION_FAILED, "VK_ERROR_INITIALIZATION_FAILED", "check the driver's installation by vulkaninfo"},
    {VK_ERROR_INCOMPATIBLE_DRIVER, "VK_ERROR_INCOMPATIBLE_DRIVER", "install a Vulkan driver for this device"},
    {VK_ERROR_FEATURE_NOT_PRESENT, "VK_ERROR_FEATURE_NOT_PRESENT", "use another device or a newer driver"},
    {VK_ERROR_EXTENSION_NOT_PRESENT, "VK_ERROR_EXTENSION_NOT_PRESENT", "use another device or a newer driver"},
    {VK_ERROR_LAYER_NOT_PRESENT, "VK_ERROR_LAYER_NOT_PRESENT", "install the validation layers or do without them"},
};

}  // namespace

void throw_vulkan_error(VkResult result, std::string_view call, const std::string& device, const std::string& what) {
  std::string name = "VkResult " + std::to_string(static_cast<int>(result));
  std::string way_out = "use another device or a newer driver";
  for (const Meaning& meaning : kMeanings) {
    if (meaning.result != result) continue;
    name = meaning.name;
    way_out = meaning.way_out;
  }
  const std::string where = device.empty() ? "Vulkan" : "Vulkan device " + device;
  throw Error(where + ": " + std::string(call) + (what.empty() ? "" : " of " + what) + " failed with " + name + ": " +
              way_out);
}

std::string in_binary_units(std::uint64_t bytes) {
  const char* const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  int unit = 0;
  for (; value >= 1024.0 && unit < 4; ++unit) value /= 1024.0;
  char text[32];
  std::snprintf(text, sizeof(text), value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

}  // namespace covey
