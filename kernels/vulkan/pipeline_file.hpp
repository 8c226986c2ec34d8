// What a driver compiled, kept on disk from run to run. The file is a cache: whatever is wrong with it, it is as if it
// were not there.
//
//   | "COVEYVK1" | 64-bit length of the data | 64-bit FNV-1a hash of the data | data, as the driver gave it |
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/vulkan/vulkan_context.hpp"

namespace covey {

/// Empty where there is none for this device and driver, or it is damaged.
std::vector<std::byte> read_pipeline_file(const VulkanContext& context);
/// Replaces the file at once, so that no reader sees half of it.
void write_pipeline_file(const VulkanContext& context, VkPipelineCache cache) noexcept;

}  // namespace covey
