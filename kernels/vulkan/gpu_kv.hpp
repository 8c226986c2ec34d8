// Memory of the KV cache on a Vulkan device. shaders/kv.glsl has the picture of a layer.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/vulkan/vulkan_recorder.hpp"

namespace covey {

class GpuKv {
 public:
  /// Nothing that uses the cache may be under way. Throws Error for an impossible layout, or for lack of memory.
  void reserve(const KvLayout& layout, const VulkanContext& context, VulkanMemory& memory);
  void copy_block(std::int32_t from, std::int32_t to, VulkanRecorder& recorder) const;

  const KvLayout& layout() const { return layout_; }
  VulkanRange keys(std::int32_t layer) const { return memory_[2 * static_cast<std::size_t>(layer)].range(); }
  VulkanRange values(std::int32_t layer) const { return memory_[2 * static_cast<std::size_t>(layer) + 1].range(); }
  /// Words that four dimensions of a token take: what the shaders are named by.
  std::uint32_t quad_words() const;
  /// Groups of four dimensions in a head, the last perhaps padded.
  std::uint32_t quads() const { return (static_cast<std::uint32_t>(layout_.head_dim) + 3) / 4; }
  /// Of the keys, or the values, of one head of a block.
  std::uint32_t head_words() const;

 private:
  std::size_t block_bytes() const;

  KvLayout layout_;
  std::vector<VulkanMemory::Allocation> memory_;  // keys and values of each layer
};

}  // namespace covey
