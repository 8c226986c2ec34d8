// Memory of a device, in large blocks of which allocations are parts: drivers allow few allocations, and are slow at
// them. Each block is one buffer.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "kernels/vulkan/vulkan_context.hpp"

namespace covey {

/// A part of a buffer.
struct VulkanRange {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceSize offset = 0;
  VkDeviceSize size = 0;
  std::byte* host = nullptr;  ///< where the host sees it; nullptr if it doesn't

  VulkanRange part(VkDeviceSize from, VkDeviceSize bytes) const {
    return {buffer, offset + from, bytes, host == nullptr ? nullptr : host + from};
  }
};

enum class VulkanMemoryKind {
  device,    ///< where shaders work; the host may see it
  upload,    ///< for the host to write
  download,  ///< for the host to read
};

class VulkanMemory {
 public:
  explicit VulkanMemory(const VulkanContext& context);
  ~VulkanMemory();
  VulkanMemory(const VulkanMemory&) = delete;
  VulkanMemory& operator=(const VulkanMemory&) = delete;

 private:
  struct Block;

 public:
  /// A range that is given back when it goes out of scope: no work that uses it may be under way then.
  class Allocation {
   public:
    Allocation() = default;
    Allocation(Allocation&& other) noexcept { swap(other); }
    Allocation& operator=(Allocation&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Allocation() { reset(); }
    void reset();
    const VulkanRange& range() const { return range_; }
    explicit operator bool() const { return memory_ != nullptr; }

   private:
    friend class VulkanMemory;
    void swap(Allocation& other) noexcept {
      std::swap(memory_, other.memory_);
      std::swap(block_, other.block_);
      std::swap(range_, other.range_);
    }
    VulkanMemory* memory_ = nullptr;
    Block* block_ = nullptr;
    VulkanRange range_;
  };

  /// At least one byte, aligned for any use. Throws Error naming `purpose` ("the KV cache") if there is not so much.
  Allocation allocate(VulkanMemoryKind kind, VkDeviceSize bytes, std::string_view purpose);

  /// Held by allocations in memory of shaders.
  std::size_t device_bytes() const { return device_bytes_; }
  /// Whether the host sees the memory that shaders work in, and reads it fast.
  bool unified() const { return unified_; }
  /// Counts blocks for shaders that are gone: a buffer's handle may mean another one since.
  std::size_t generation() const { return generation_; }

 private:
  struct Block {
    VulkanMemoryKind kind = VulkanMemoryKind::device;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize size = 0;
    std::byte* host = nullptr;
    std::map<VkDeviceSize, VkDeviceSize> free;  // offset, size
  };

  std::uint32_t type_for(VulkanMemoryKind kind) const;
  Block& add_block(VulkanMemoryKind kind, VkDeviceSize bytes, std::string_view purpose);
  void check_budget(VulkanMemoryKind kind, VkDeviceSize bytes, std::string_view purpose) const;
  void release(Block* block, const VulkanRange& range);
  void destroy(Block& block);

  const VulkanContext& context_;
  bool unified_ = false;
  std::uint32_t types_[3] = {};
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t device_bytes_ = 0;
  std::size_t generation_ = 0;
};

}  // namespace covey
