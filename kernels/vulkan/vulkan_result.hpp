// What a Vulkan call that failed means to a user.
#pragma once

#include <string>
#include <string_view>

#include "kernels/vulkan/vulkan_api.hpp"

namespace covey {

/// Throws Error that names the call, the result, and the way out. `what` says for what it was, if there is more to say:
/// "64 MiB for the KV cache".
[[noreturn]] void throw_vulkan_error(VkResult result, std::string_view call, const std::string& device,
                                     const std::string& what = {});

/// "1.5 GiB"
std::string in_binary_units(std::uint64_t bytes);

}  // namespace covey
