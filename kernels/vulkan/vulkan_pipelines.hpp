// Compute pipelines: made when they are first needed, with what the driver compiled kept on disk from run to run.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/vulkan/vulkan_context.hpp"

namespace covey {

inline constexpr std::size_t kMostBindings = 5;
inline constexpr std::uint32_t kPushBytes = 64;

class VulkanPipelines {
 public:
  explicit VulkanPipelines(const VulkanContext& context);
  /// Writes what is new to disk.
  ~VulkanPipelines();
  VulkanPipelines(const VulkanPipelines&) = delete;
  VulkanPipelines& operator=(const VulkanPipelines&) = delete;

  /// The pipeline of a shader in vulkan_shaders() with its constants 0, 1, … set. Throws Error if the driver fails.
  VkPipeline get(std::string_view shader, std::span<const std::uint32_t> constants);

  /// All shaders see kMostBindings storage buffers and kPushBytes of push constants.
  VkPipelineLayout layout() const { return layout_; }
  VkDescriptorSetLayout set_layout() const { return set_layout_; }

 private:
  using Key = std::pair<std::string, std::vector<std::uint32_t>>;

  VkPipeline make(std::string_view shader, std::span<const std::uint32_t> constants);
  void make_layouts();
  void destroy();

  const VulkanContext& context_;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  bool changed_ = false;
  std::map<Key, VkPipeline> pipelines_;
};

}  // namespace covey
