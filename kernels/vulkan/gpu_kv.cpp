#include "kernels/vulkan/gpu_kv.hpp"

#include <algorithm>
#include <string>

#include "covey/error.hpp"
#include "kernels/cpu/aligned_buffer.hpp"

namespace covey {

std::uint32_t GpuKv::quad_words() const {
  switch (layout_.type) {
    case KvType::f32:
      return 4;
    case KvType::f16:
      return 2;
    case KvType::q8_0:
      return 1;
  }
  return 0;
}

std::uint32_t GpuKv::head_words() const {
  const auto tokens = static_cast<std::uint32_t>(layout_.block_tokens);
  const std::uint32_t scales = layout_.type == KvType::q8_0 ? quads() / 8 : 0;  // one for 32 dimensions
  return tokens * (quads() * quad_words() + scales);
}

std::size_t GpuKv::block_bytes() const {
  return static_cast<std::size_t>(layout_.kv_heads) * head_words() * sizeof(std::uint32_t);
}

void GpuKv::reserve(const KvLayout& layout, const VulkanContext& context, VulkanMemory& memory) {
  kv_block_bytes(layout);  // refuses what cannot be
  if (layout.window_layers < 0 || layout.window_layers > layout.layers) {
    throw Error("a KV cache of " + std::to_string(layout.layers) + " layers, " + std::to_string(layout.window_layers) +
                " of them with a window, cannot be");
  }
  memory_.clear();
  layout_ = layout;
  const std::size_t factors[] = {static_cast<std::size_t>(layout.blocks), block_bytes()};
  const std::size_t bytes = checked_product(factors, "the KV cache");
  if (bytes == 0) return;
  const std::uint64_t most = std::min<std::uint64_t>(context.largest_binding(), context.largest_allocation());
  if (bytes > most) {
    throw Error("Vulkan device " + context.physical().info.name + " holds at most " + in_binary_units(most) +
                " of a layer's keys, and here they take " + in_binary_units(bytes) +
                ": use a shorter context (--ctx), less room (--kv-tokens) or a smaller type (--kv q8_0)");
  }
  for (std::int32_t i = 0; i < 2 * layout.layers; ++i) {
    memory_.push_back(memory.allocate(VulkanMemoryKind::device, bytes, "the KV cache"));
  }
}

void GpuKv::copy_block(std::int32_t from, std::int32_t to, VulkanRecorder& recorder) const {
  if (from == to) return;
  const std::size_t bytes = block_bytes();
  for (const VulkanMemory::Allocation& part : memory_) {
    recorder.copy(part.range().part(static_cast<std::size_t>(from) * bytes, bytes),
                  part.range().part(static_cast<std::size_t>(to) * bytes, bytes));
  }
}

}  // namespace covey
