#include <algorithm>
#include <charconv>

#include "covey/error.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

std::optional<VulkanOptions> device_named(std::string_view name) {
  constexpr std::string_view kVulkan = "vulkan";
  if (name == "cpu") return std::nullopt;
  VulkanOptions options;
  if (name == kVulkan) return options;
  const std::string_view number = name.substr(std::min(name.size(), kVulkan.size() + 1));
  const char* const end = number.data() + number.size();
  const auto [read_to, error] = std::from_chars(number.data(), end, options.device);
  if (!name.starts_with("vulkan:") || error != std::errc() || read_to != end || options.device < 0) {
    throw Error("'" + std::string(name) +
                "' is no device: use cpu, vulkan, or vulkan:N with a number of 'covey devices'");
  }
  return options;
}

}  // namespace covey
