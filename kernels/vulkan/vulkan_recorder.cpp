#include "kernels/vulkan/vulkan_recorder.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace covey {
namespace {

constexpr VkDeviceSize kStagingBytes = VkDeviceSize{4} << 20;
constexpr VkDeviceSize kStagingAlignment = 16;
constexpr std::uint32_t kSetsInPool = 256;
// Vulkan's own minimum for maxComputeWorkGroupCount is 65535.
constexpr std::uint32_t kMostGroups = 32768;

bool overlap(const VulkanRange& a, const VulkanRange& b) {
  return a.buffer == b.buffer && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

bool overlaps_any(const std::vector<VulkanRange>& ranges, const VulkanRange& range) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const VulkanRange& of) { return overlap(of, range); });
}

/// A handle as a number, whether it is a pointer here or not.
std::uint64_t number_of(VkBuffer buffer) {
  std::uint64_t number = 0;
  std::memcpy(&number, &buffer, sizeof(buffer));
  return number;
}

}  // namespace

VulkanRecorder::VulkanRecorder(const VulkanContext& context, VulkanMemory& memory, const VulkanPipelines& pipelines)
    : context_(context),
      memory_(memory),
      pipelines_(pipelines),
      timeline_(context),
      frames_{Frame(context), Frame(context)} {
  try {
    for (Frame& frame : frames_) make(frame);
  } catch (...) {
    destroy();
    throw;
  }
}

VulkanRecorder::~VulkanRecorder() {
  context_.api().DeviceWaitIdle(context_.device());  // where it fails nothing runs any more
  destroy();
}

void VulkanRecorder::make(Frame& frame) {
  const VulkanApi& api = context_.api();
  VkCommandPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
  pool.queueFamilyIndex = context_.physical().queue_family;
  context_.call("vkCreateCommandPool", api.CreateCommandPool, context_.device(), &pool, nullptr, &frame.pool);
  VkCommandBufferAllocateInfo commands{};
  commands.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  commands.commandPool = frame.pool;
  commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  commands.commandBufferCount = 1;
  context_.call("vkAllocateCommandBuffers", api.AllocateCommandBuffers, context_.device(), &commands, &frame.commands);
}

void VulkanRecorder::destroy() {
  forget_sets();
  for (const Frame& frame : frames_) {
    if (frame.pool != VK_NULL_HANDLE) context_.api().DestroyCommandPool(context_.device(), frame.pool, nullptr);
  }
}

void VulkanRecorder::forget_sets() {
  for (const VkDescriptorPool pool : pools_) context_.api().DestroyDescriptorPool(context_.device(), pool, nullptr);
  pools_.clear();
  sets_.clear();
  left_in_pool_ = 0;
}

// -- Frames -----------------------------------------------------------------------------------------------------------

VulkanRecorder::Frame& VulkanRecorder::begin() {
  Frame& now = frame();
  if (now.recording) return now;
  wait(now);
  now.staged = 0;
  const VulkanApi& api = context_.api();
  context_.call("vkResetCommandPool", api.ResetCommandPool, context_.device(), now.pool, VkCommandPoolResetFlags{0});
  VkCommandBufferBeginInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  context_.call("vkBeginCommandBuffer", api.BeginCommandBuffer, now.commands, &info);
  now.recording = true;
  now.clock.begin(now.commands);
  return now;
}

void VulkanRecorder::wait(Frame& of) {
  if (of.submission == 0) return;
  timeline_.wait(std::exchange(of.submission, 0));  // whatever happens: a lost device runs nothing
  of.clock.add_to(times_);
}

void VulkanRecorder::submit() {
  Frame& now = frame();
  if (!now.recording) return;
  barrier(VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
          VK_ACCESS_HOST_READ_BIT | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
              VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
  const VulkanApi& api = context_.api();
  now.recording = false;
  context_.call("vkEndCommandBuffer", api.EndCommandBuffer, now.commands);
  now.submission = timeline_.submit(now.commands);
  current_ = (current_ + 1) % frames_.size();
}

void VulkanRecorder::finish() {
  submit();
  // The older one first.
  for (std::size_t i = 0; i < frames_.size(); ++i) wait(frames_[(current_ + i) % frames_.size()]);
}

// -- Commands ---------------------------------------------------------------------------------------------------------

void VulkanRecorder::barrier(VkPipelineStageFlags after, VkAccessFlags reads) {
  VkMemoryBarrier memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  memory.dstAccessMask = reads;
  context_.api().CmdPipelineBarrier(frame().commands,
                                    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, after, 0, 1,
                                    &memory, 0, nullptr, 0, nullptr);
  read_.clear();
  written_.clear();
}

void VulkanRecorder::order(std::span<const VulkanBinding> bindings) {
  const bool wait = std::any_of(bindings.begin(), bindings.end(), [&](const VulkanBinding& binding) {
    return overlaps_any(written_, binding.range) || (binding.written && overlaps_any(read_, binding.range));
  });
  if (wait) {
    barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                VK_ACCESS_TRANSFER_WRITE_BIT);
  }
  for (const VulkanBinding& binding : bindings) (binding.written ? written_ : read_).push_back(binding.range);
}

void VulkanRecorder::dispatch(VkPipeline pipeline, std::span<const VulkanBinding> bindings,
                              std::span<const std::uint32_t> push, VulkanGrid grid, std::string_view work) {
  assert(push.size_bytes() <= kPushBytes && !bindings.empty());
  if (grid.count == 0 || grid.layers == 0) return;
  const VkDescriptorSet set = set_of(bindings);
  if (frame().recording && frame().clock.full()) submit();
  const VkCommandBuffer commands = begin().commands;
  order(bindings);
  const VulkanApi& api = context_.api();
  api.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  api.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines_.layout(), 0, 1, &set, 0, nullptr);
  api.CmdPushConstants(commands, pipelines_.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                       static_cast<std::uint32_t>(push.size_bytes()), push.data());
  const std::uint32_t across = std::min(grid.count, kMostGroups);
  api.CmdDispatch(commands, across, (grid.count + across - 1) / across, grid.layers);
  frame().clock.mark(commands, work);
}

void VulkanRecorder::copy(const VulkanRange& from, const VulkanRange& to) {
  assert(from.size == to.size);
  if (from.size == 0) return;
  const VkCommandBuffer commands = begin().commands;
  const VulkanBinding both[] = {{from, false}, {to, true}};
  order(both);
  const VkBufferCopy region{from.offset, to.offset, from.size};
  context_.api().CmdCopyBuffer(commands, from.buffer, to.buffer, 1, &region);
  frame().clock.mark(commands, "copies");
}

VulkanRange VulkanRecorder::stage(VkDeviceSize bytes) {
  const VkDeviceSize size = (bytes + kStagingAlignment - 1) / kStagingAlignment * kStagingAlignment;
  if (begin().staged + size > frame().staging.range().size && frame().staged > 0) submit();
  Frame& now = begin();
  if (now.staged + size > now.staging.range().size) {
    // What was in the old one is done with: this frame has just begun.
    now.staging.reset();
    now.staging = memory_.allocate(VulkanMemoryKind::upload, std::max(size, kStagingBytes), "what goes to the device");
  }
  const VulkanRange range = now.staging.range().part(now.staged, bytes);
  now.staged += size;
  return range;
}

void VulkanRecorder::upload(std::span<const std::byte> bytes, const VulkanRange& to) {
  if (bytes.empty()) return;
  const VulkanRange from = stage(bytes.size());
  std::memcpy(from.host, bytes.data(), bytes.size());
  copy(from, to.part(0, bytes.size()));
}

// -- Descriptor sets --------------------------------------------------------------------------------------------------

// The same few hundred combinations come back in every pass: they are kept.
VkDescriptorSet VulkanRecorder::set_of(std::span<const VulkanBinding> bindings) {
  if (generation_ != memory_.generation()) {
    // Buffers have gone, and none of them while something ran.
    forget_sets();
    generation_ = memory_.generation();
  }
  Bound key{};
  std::array<VkDescriptorBufferInfo, kMostBindings> buffers{};
  for (std::size_t i = 0; i < kMostBindings; ++i) {
    // Bindings that a shader doesn't have are never looked at, but filled all the same.
    const VulkanRange& range = bindings[i < bindings.size() ? i : 0].range;
    buffers[i] = {range.buffer, range.offset, range.size};
    key[i] = {number_of(range.buffer), range.offset, range.size};
  }
  const auto found = sets_.find(key);
  if (found != sets_.end()) return found->second;

  const VkDescriptorSet set = new_set();
  std::array<VkWriteDescriptorSet, kMostBindings> writes{};
  for (std::uint32_t i = 0; i < kMostBindings; ++i) {
    writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[i].dstSet = set;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &buffers[i];
  }
  context_.api().UpdateDescriptorSets(context_.device(), kMostBindings, writes.data(), 0, nullptr);
  sets_.emplace(key, set);
  return set;
}

VkDescriptorSet VulkanRecorder::new_set() {
  const VulkanApi& api = context_.api();
  if (left_in_pool_ == 0) {
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kSetsInPool * kMostBindings};
    VkDescriptorPoolCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    info.maxSets = kSetsInPool;
    info.poolSizeCount = 1;
    info.pPoolSizes = &size;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    context_.call("vkCreateDescriptorPool", api.CreateDescriptorPool, context_.device(), &info, nullptr, &pool);
    pools_.push_back(pool);
    left_in_pool_ = kSetsInPool;
  }
  const VkDescriptorSetLayout layout = pipelines_.set_layout();
  VkDescriptorSetAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  info.descriptorPool = pools_.back();
  info.descriptorSetCount = 1;
  info.pSetLayouts = &layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  context_.call("vkAllocateDescriptorSets", api.AllocateDescriptorSets, context_.device(), &info, &set);
  --left_in_pool_;
  return set;
}

}  // namespace covey
