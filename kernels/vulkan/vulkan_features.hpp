// What a device can do beyond Vulkan 1.1, of what Covey makes use of. docs/vulkan.md says where, and what happens
// without.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/vulkan/vulkan_api.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

/// By what shaders/cooperative.glsl multiplies matrices.
enum class Cooperative : std::uint8_t { none, software, nv, khr };

struct VulkanFeatures {
  bool timeline = false;          ///< timeline semaphores
  bool subgroups = false;         ///< arithmetic over subgroups in compute shaders
  bool integer_dot = false;       ///< integer dot products of four bytes
  bool integer_dot_fast = false;  ///< by instructions of the hardware
  bool halves = false;            ///< fp16 arithmetic, and fp16 in storage buffers
  bool half_conversion = false;   ///< conversions from fp16 keep subnormal numbers
  Cooperative cooperative = Cooperative::none;
  std::uint32_t subgroup_size = 0;  ///< where it can be asked for, and makes whole workgroups of 64; 0: elsewhere

  /// Those that are used: see VulkanUse.
  VulkanFeatures chosen(VulkanUse use) const;
  /// Subgroups in a workgroup that multiplies by cooperative matrices.
  std::uint32_t cooperative_subgroups() const { return cooperative == Cooperative::software ? 2 : 64 / subgroup_size; }
};

/// The variant of a shader for the cooperative matrices that a device has.
std::string cooperative_shader(std::string shader, const VulkanFeatures& features);

VulkanFeatures find_features(VkInstance instance, const VulkanApi& api, VkPhysicalDevice device,
                             const std::vector<std::string>& extensions);

/// What vkCreateDevice is asked for.
class VulkanFeatureRequest {
 public:
  explicit VulkanFeatureRequest(const VulkanFeatures& features);
  VulkanFeatureRequest(const VulkanFeatureRequest&) = delete;
  VulkanFeatureRequest& operator=(const VulkanFeatureRequest&) = delete;

  const void* chain() const { return chain_; }
  const std::vector<const char*>& extensions() const { return extensions_; }

 private:
  template <class Structure>
  void add(Structure& structure, const char* extension) {
    structure.pNext = chain_;
    chain_ = &structure;
    if (extension != nullptr) extensions_.push_back(extension);
  }

  void* chain_ = nullptr;
  std::vector<const char*> extensions_;
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline_{};
  VkPhysicalDeviceShaderIntegerDotProductFeatures integer_dot_{};
  VkPhysicalDeviceShaderFloat16Int8Features half_arithmetic_{};
  VkPhysicalDevice16BitStorageFeatures half_storage_{};
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size_{};
  VkPhysicalDeviceVulkanMemoryModelFeatures memory_model_{};
  VkPhysicalDeviceCooperativeMatrixFeaturesNV cooperative_nv_{};
#ifdef VK_KHR_cooperative_matrix
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR cooperative_khr_{};
#endif
};

}  // namespace covey
