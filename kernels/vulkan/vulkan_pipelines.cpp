#include "kernels/vulkan/vulkan_pipelines.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "kernels/vulkan/pipeline_file.hpp"
#include "kernels/vulkan/vulkan_shaders.hpp"

namespace covey {

VulkanPipelines::VulkanPipelines(const VulkanContext& context) : context_(context) {
  try {
    make_layouts();
    const std::vector<std::byte> known = read_pipeline_file(context_);
    VkPipelineCacheCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
    info.initialDataSize = known.size();
    info.pInitialData = known.data();
    context_.call("vkCreatePipelineCache", context_.api().CreatePipelineCache, context_.device(), &info, nullptr,
                  &cache_);
  } catch (...) {
    destroy();
    throw;
  }
}

VulkanPipelines::~VulkanPipelines() {
  if (changed_) write_pipeline_file(context_, cache_);
  destroy();
}

void VulkanPipelines::destroy() {
  const VulkanApi& api = context_.api();
  const VkDevice device = context_.device();
  for (const auto& [key, pipeline] : pipelines_) api.DestroyPipeline(device, pipeline, nullptr);
  if (cache_ != VK_NULL_HANDLE) api.DestroyPipelineCache(device, cache_, nullptr);
  if (layout_ != VK_NULL_HANDLE) api.DestroyPipelineLayout(device, layout_, nullptr);
  if (set_layout_ != VK_NULL_HANDLE) api.DestroyDescriptorSetLayout(device, set_layout_, nullptr);
}

void VulkanPipelines::make_layouts() {
  std::array<VkDescriptorSetLayoutBinding, kMostBindings> bindings{};
  for (std::uint32_t i = 0; i < kMostBindings; ++i) {
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  }
  VkDescriptorSetLayoutCreateInfo set{};
  set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  set.bindingCount = kMostBindings;
  set.pBindings = bindings.data();
  context_.call("vkCreateDescriptorSetLayout", context_.api().CreateDescriptorSetLayout, context_.device(), &set,
                nullptr, &set_layout_);
  const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes};
  VkPipelineLayoutCreateInfo layout{};
  layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &set_layout_;
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &push;
  context_.call("vkCreatePipelineLayout", context_.api().CreatePipelineLayout, context_.device(), &layout, nullptr,
                &layout_);
}

VkPipeline VulkanPipelines::get(std::string_view shader, std::span<const std::uint32_t> constants) {
  Key key(std::string(shader), std::vector<std::uint32_t>(constants.begin(), constants.end()));
  const auto found = pipelines_.find(key);
  if (found != pipelines_.end()) return found->second;
  const VkPipeline pipeline = make(shader, constants);
  pipelines_.emplace(std::move(key), pipeline);
  changed_ = true;
  return pipeline;
}

VkPipeline VulkanPipelines::make(std::string_view shader, std::span<const std::uint32_t> constants) {
  const auto all = vulkan_shaders();
  const auto source = std::find_if(all.begin(), all.end(), [&](const VulkanShader& s) { return s.name == shader; });
  assert(source != all.end());
  const VulkanApi& api = context_.api();
  const VkDevice device = context_.device();
  VkShaderModuleCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  info.codeSize = source->words.size_bytes();
  info.pCode = source->words.data();
  VkShaderModule shader_module = VK_NULL_HANDLE;
  context_.call("vkCreateShaderModule", api.CreateShaderModule, device, &info, nullptr, &shader_module);

  std::vector<VkSpecializationMapEntry> entries;
  for (std::uint32_t i = 0; i < constants.size(); ++i) entries.push_back({i, 4 * i, sizeof(std::uint32_t)});
  // In shaders/formats/words.glsl; those that haven't it don't mind.
  constexpr std::uint32_t kOwnConversion = 8;
  std::vector<std::uint32_t> values(constants.begin(), constants.end());
  entries.push_back({kOwnConversion, static_cast<std::uint32_t>(4 * values.size()), sizeof(std::uint32_t)});
  values.push_back(context_.features().half_conversion ? 1 : 0);
  const VkSpecializationInfo special{static_cast<std::uint32_t>(entries.size()), entries.data(),
                                     values.size() * sizeof(values[0]), values.data()};
  VkComputePipelineCreateInfo pipeline_info{};
  pipeline_info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  pipeline_info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  pipeline_info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  pipeline_info.stage.module = shader_module;
  pipeline_info.stage.pName = "main";
  pipeline_info.stage.pSpecializationInfo = &special;
  pipeline_info.layout = layout_;
  // Cooperative matrices are held by whole subgroups, of a size that the shader is told.
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size{};
  size.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
  size.requiredSubgroupSize = context_.features().subgroup_size;
  if (shader.starts_with("matmul_cooperative") && context_.features().cooperative != Cooperative::software) {
    pipeline_info.stage.pNext = &size;
    pipeline_info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult result = context_.try_call("vkCreateComputePipelines", api.CreateComputePipelines, device, cache_, 1U,
                                            &pipeline_info, nullptr, &pipeline);
  api.DestroyShaderModule(device, shader_module, nullptr);
  if (result < 0) {
    throw_vulkan_error(result, "vkCreateComputePipelines", context_.physical().info.name,
                       "shader " + std::string(shader));
  }
  return pipeline;
}

}  // namespace covey
