// The compiled shaders, embedded by the build from shaders/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace covey {

struct VulkanShader {
  std::string_view name;                 ///< as "norm", "matmul_decode_q4_0", "attend_kv2"
  std::span<const std::uint32_t> words;  ///< SPIR-V
};

std::span<const VulkanShader> vulkan_shaders();

inline bool has_vulkan_shader(std::string_view name) {
  const auto all = vulkan_shaders();
  return std::any_of(all.begin(), all.end(), [&](const VulkanShader& shader) { return shader.name == name; });
}

}  // namespace covey
