#include "kernels/vulkan/vulkan_features.hpp"

#include <algorithm>
#include <string_view>

#include "kernels/vulkan/vulkan_shaders.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kLanes = 64;  // of a workgroup: shaders/groups.glsl
constexpr std::uint32_t kMatrix = 16;
// Of a workgroup of matmul_cooperative.comp with eight subgroups.
constexpr std::uint32_t kCooperativeShared = 20U << 10;

bool lists(const std::vector<std::string>& extensions, std::string_view name) {
  return std::find(extensions.begin(), extensions.end(), name) != extensions.end();
}

template <class Structure>
Structure structure_of(VkStructureType type) {
  Structure structure{};
  structure.sType = type;
  return structure;
}

/// A structure of features as the driver fills it in.
template <class Structure>
Structure features_of(const VulkanApi& api, VkPhysicalDevice device, VkStructureType type) {
  auto structure = structure_of<Structure>(type);
  auto all = structure_of<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
  all.pNext = &structure;
  api.GetPhysicalDeviceFeatures2(device, &all);
  return structure;
}

template <class Structure>
Structure properties_of(const VulkanApi& api, VkPhysicalDevice device, VkStructureType type) {
  auto structure = structure_of<Structure>(type);
  auto all = structure_of<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
  all.pNext = &structure;
  api.GetPhysicalDeviceProperties2(device, &all);
  return structure;
}

/// Whether matrices of 16 x 16 in fp16, with sums in F32, are among those that a subgroup multiplies.
template <class Properties, class Enumerate>
bool lists_our_matrices(Enumerate enumerate, VkPhysicalDevice device, VkStructureType type, auto is_ours) {
  if (enumerate == nullptr) return false;
  std::uint32_t count = 0;
  if (enumerate(device, &count, nullptr) < 0) return false;
  std::vector<Properties> all(count, structure_of<Properties>(type));
  if (enumerate(device, &count, all.data()) < 0) return false;
  all.resize(count);
  return std::any_of(all.begin(), all.end(), [&](const Properties& p) {
    return p.MSize == kMatrix && p.NSize == kMatrix && p.KSize == kMatrix && is_ours(p);
  });
}

bool has_nv_matrices(VkInstance instance, const VulkanApi& api, VkPhysicalDevice device) {
  const auto features = features_of<VkPhysicalDeviceCooperativeMatrixFeaturesNV>(
      api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV);
  if (features.cooperativeMatrix != VK_TRUE) return false;
  return lists_our_matrices<VkCooperativeMatrixPropertiesNV>(
      reinterpret_cast<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesNV>(
          api.GetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesNV")),
      device, VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_NV, [](const VkCooperativeMatrixPropertiesNV& p) {
        return p.AType == VK_COMPONENT_TYPE_FLOAT16_NV && p.BType == VK_COMPONENT_TYPE_FLOAT16_NV &&
               p.CType == VK_COMPONENT_TYPE_FLOAT32_NV && p.DType == VK_COMPONENT_TYPE_FLOAT32_NV &&
               p.scope == VK_SCOPE_SUBGROUP_NV;
      });
}

#ifdef VK_KHR_cooperative_matrix
bool has_khr_matrices(VkInstance instance, const VulkanApi& api, VkPhysicalDevice device) {
  const auto features = features_of<VkPhysicalDeviceCooperativeMatrixFeaturesKHR>(
      api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR);
  if (features.cooperativeMatrix != VK_TRUE) return false;
  return lists_our_matrices<VkCooperativeMatrixPropertiesKHR>(
      reinterpret_cast<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR>(
          api.GetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR")),
      device, VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR, [](const VkCooperativeMatrixPropertiesKHR& p) {
        return p.AType == VK_COMPONENT_TYPE_FLOAT16_KHR && p.BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
               p.CType == VK_COMPONENT_TYPE_FLOAT32_KHR && p.ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
               p.scope == VK_SCOPE_SUBGROUP_KHR;
      });
}
#endif

Cooperative find_cooperative(VkInstance instance, const VulkanApi& api, VkPhysicalDevice device,
                             const std::vector<std::string>& extensions) {
  if (!lists(extensions, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME)) return Cooperative::none;
  const auto model = features_of<VkPhysicalDeviceVulkanMemoryModelFeatures>(
      api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES);
  if (model.vulkanMemoryModel != VK_TRUE) return Cooperative::none;
#ifdef VK_KHR_cooperative_matrix
  if (lists(extensions, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME) && has_vulkan_shader("peak_cooperative_khr") &&
      has_khr_matrices(instance, api, device)) {
    return Cooperative::khr;
  }
#endif
  if (lists(extensions, VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME) && has_vulkan_shader("peak_cooperative_nv") &&
      has_nv_matrices(instance, api, device)) {
    return Cooperative::nv;
  }
  return Cooperative::none;
}

void find_subgroups(const VulkanApi& api, VkPhysicalDevice device, bool sizes, VulkanFeatures& features) {
  const auto subgroups = properties_of<VkPhysicalDeviceSubgroupProperties>(
      api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  constexpr VkSubgroupFeatureFlags kNeeded = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
  features.subgroups = (subgroups.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                       (subgroups.supportedOperations & kNeeded) == kNeeded;
  if (!sizes) return;
  const auto control = features_of<VkPhysicalDeviceSubgroupSizeControlFeatures>(
      api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
  const auto limits = properties_of<VkPhysicalDeviceSubgroupSizeControlProperties>(
      api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
  const std::uint32_t size = subgroups.subgroupSize;
  const bool whole = size >= 8 && size <= kLanes && kLanes % size == 0;
  if (control.subgroupSizeControl == VK_TRUE && control.computeFullSubgroups == VK_TRUE && whole &&
      (limits.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0) {
    features.subgroup_size = size;
  }
}

}  // namespace

VulkanFeatures find_features(VkInstance instance, const VulkanApi& api, VkPhysicalDevice device,
                             const std::vector<std::string>& extensions) {
  VulkanFeatures found;
  if (lists(extensions, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME)) {
    found.timeline = features_of<VkPhysicalDeviceTimelineSemaphoreFeatures>(
                         api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES)
                         .timelineSemaphore == VK_TRUE;
  }
  if (lists(extensions, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) {
    found.integer_dot = features_of<VkPhysicalDeviceShaderIntegerDotProductFeatures>(
                            api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES)
                            .shaderIntegerDotProduct == VK_TRUE;
    found.integer_dot_fast =
        found.integer_dot && properties_of<VkPhysicalDeviceShaderIntegerDotProductProperties>(
                                 api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES)
                                     .integerDotProduct4x8BitPackedSignedAccelerated == VK_TRUE;
  }
  if (lists(extensions, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME)) {
    const auto arithmetic = features_of<VkPhysicalDeviceShaderFloat16Int8Features>(
        api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    const auto storage = features_of<VkPhysicalDevice16BitStorageFeatures>(
        api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
    found.halves = arithmetic.shaderFloat16 == VK_TRUE && storage.storageBuffer16BitAccess == VK_TRUE;
  }
  if (lists(extensions, VK_KHR_SHADER_FLOAT_CONTROLS_EXTENSION_NAME)) {
    found.half_conversion = properties_of<VkPhysicalDeviceFloatControlsProperties>(
                                api, device, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES)
                                .shaderDenormPreserveFloat16 == VK_TRUE;
  }
  find_subgroups(api, device, lists(extensions, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME), found);
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  api.GetPhysicalDeviceProperties2(device, &properties);
  if (found.halves && found.subgroup_size > 0 &&
      properties.properties.limits.maxComputeSharedMemorySize >= kCooperativeShared) {
    found.cooperative = find_cooperative(instance, api, device, extensions);
  }
  return found;
}

VulkanFeatures VulkanFeatures::chosen(VulkanUse use) const {
  VulkanFeatures all = *this;
  switch (use) {
    case VulkanUse::none:
      return {};
    case VulkanUse::all:
      if (all.cooperative == Cooperative::none && all.halves) all.cooperative = Cooperative::software;
      all.half_conversion = true;
      break;
    case VulkanUse::fast:
      all.integer_dot = all.integer_dot && all.integer_dot_fast;
      break;
  }
  // Shaders with integer dot products add up over subgroups.
  all.integer_dot = all.integer_dot && all.subgroups;
  return all;
}

std::string cooperative_shader(std::string shader, const VulkanFeatures& features) {
  if (features.cooperative == Cooperative::khr) shader += "_khr";
  if (features.cooperative == Cooperative::nv) shader += "_nv";
  return shader;
}

VulkanFeatureRequest::VulkanFeatureRequest(const VulkanFeatures& features) {
  if (features.timeline) {
    timeline_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    timeline_.timelineSemaphore = VK_TRUE;
    add(timeline_, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME);
  }
  if (features.integer_dot) {
    integer_dot_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES;
    integer_dot_.shaderIntegerDotProduct = VK_TRUE;
    add(integer_dot_, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  }
  if (features.halves) {
    half_arithmetic_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
    half_arithmetic_.shaderFloat16 = VK_TRUE;
    add(half_arithmetic_, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME);
    half_storage_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES;
    half_storage_.storageBuffer16BitAccess = VK_TRUE;
    add(half_storage_, nullptr);  // a part of Vulkan 1.1
  }
  if (features.cooperative != Cooperative::nv && features.cooperative != Cooperative::khr) return;
  subgroup_size_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
  subgroup_size_.subgroupSizeControl = VK_TRUE;
  subgroup_size_.computeFullSubgroups = VK_TRUE;
  add(subgroup_size_, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  memory_model_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
  memory_model_.vulkanMemoryModel = VK_TRUE;
  add(memory_model_, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME);
  if (features.cooperative == Cooperative::nv) {
    cooperative_nv_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV;
    cooperative_nv_.cooperativeMatrix = VK_TRUE;
    add(cooperative_nv_, VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME);
  }
#ifdef VK_KHR_cooperative_matrix
  if (features.cooperative == Cooperative::khr) {
    cooperative_khr_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
    cooperative_khr_.cooperativeMatrix = VK_TRUE;
    add(cooperative_khr_, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
  }
#endif
}

}  // namespace covey
