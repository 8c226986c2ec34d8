// Computing on any GPU with a Vulkan 1.1 driver. Builds without Vulkan have these functions too: they find no device.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu/machine_limits.hpp"
#include "kernels/device.hpp"

namespace covey {

struct VulkanDeviceInfo {
  std::int32_t index = 0;           ///< its number in vulkan_devices(), as in --device vulkan:0
  std::string name;                 ///< as the driver calls it
  std::string kind;                 ///< "discrete", "integrated", "virtual", "software", "other"
  std::string driver;               ///< its name and version
  std::string api;                  ///< the newest Vulkan that it knows: "1.3.230"
  std::uint64_t memory_bytes = 0;   ///< of its largest heap of device memory
  std::uint64_t free_bytes = 0;     ///< what its driver would give this process now; memory_bytes where it doesn't say
  std::uint64_t binding_bytes = 0;  ///< of a buffer, that a shader sees at once
  std::vector<std::string> features;  ///< optional ones that Covey makes use of, or would
};

/// Which of a device's optional features are used.
enum class VulkanUse : std::uint8_t {
  fast,  ///< those that make this device faster
  none,  ///< nothing beyond Vulkan 1.1, and buffers no larger than what it promises
  all,   ///< all that the driver has, fast or not; cooperative matrices by ordinary loops where there are none: for
         ///< tests
};

struct VulkanOptions {
  /// A number of vulkan_devices(); 0 is what most would choose: discrete GPUs come first, software last.
  std::int32_t device = 0;
  VulkanUse use = VulkanUse::fast;
  /// Measure operations by the device's own clock: see Device::take_operation_times().
  bool timed = false;
  /// Most bytes to hold on the device; 0: what its driver says is free.
  std::uint64_t memory_limit = 0;
  /// The host reaches memory through copies, as on a GPU with memory of its own, wherever it lies. For tests.
  bool plain = false;
  /// Most bytes that a shader sees at once, so that larger matrices are cut; 0: the device's own limit. For tests.
  std::uint64_t binding_limit = 0;
  /// Where compiled pipelines are kept from run to run; empty: nowhere. Not given: $XDG_CACHE_HOME/covey, or
  /// ~/.cache/covey.
  std::optional<std::string> cache_folder;
  /// If set, Khronos' validation layer watches every call, where it is installed, and says here what is wrong.
  std::function<void(std::string_view message)> on_message;
  /// The layer looks for missing barriers as well: slow.
  bool check_synchronization = false;
  /// For tests of failures: given the name of a Vulkan function before it is called, returns the VkResult that it shall
  /// seem to have, or 0 to call it.
  std::function<std::int32_t(std::string_view function)> fail;
};

/// Why there may be no Vulkan device: "" where a loader is there, else what is missing and how to get it.
std::string vulkan_missing();

/// All devices that can compute, discrete first. Empty where there is no driver, or no Vulkan at all.
std::vector<VulkanDeviceInfo> vulkan_devices();

/// "cpu", "vulkan" or "vulkan:N" as options; nullopt is the CPU. Throws Error for anything else.
std::optional<VulkanOptions> device_named(std::string_view name);

/// Throws Error if there is no such device, or if it can't be used.
std::unique_ptr<Device> make_vulkan_device(const VulkanOptions& options);

/// Measures what a device can do at most, by small shaders. The fastest of several repetitions counts.
class VulkanLimitMeter {
 public:
  /// Throws Error as make_vulkan_device().
  explicit VulkanLimitMeter(const VulkanOptions& options);
  ~VulkanLimitMeter();

  /// Spends about `time` seconds on each, or what few repetitions take if that is more.
  /// int8_operations are 0 where products in int8 are not what the device does: VulkanUse.
  MachineLimits measure(double time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace covey
