// The compiled shaders, embedded by the build from shaders/.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace covey {

struct VulkanShader {
  std::string_view name;                 ///< as "norm", "matmul_decode_q4_0", "attend_kv2"
  std::span<const std::uint32_t> words;  ///< SPIR-V
};

std::span<const VulkanShader> vulkan_shaders();

}  // namespace covey
