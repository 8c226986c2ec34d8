#include "kernels/vulkan/vulkan_memory.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

// The largest alignment of storage buffers that Vulkan lets a device ask for.
constexpr VkDeviceSize kAlignment = 256;
constexpr VkDeviceSize kBlockBytes = VkDeviceSize{32} << 20;

VkDeviceSize aligned(VkDeviceSize bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kUnified =
    kVisible | VK_MEMORY_PROPERTY_HOST_CACHED_BIT | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;

/// The first type with all of `wanted`, of those that may be nothing special.
std::optional<std::uint32_t> find_type(const VkPhysicalDeviceMemoryProperties& all, VkMemoryPropertyFlags wanted) {
  constexpr VkMemoryPropertyFlags kOrdinary = kUnified;
  for (std::uint32_t i = 0; i < all.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = all.memoryTypes[i].propertyFlags;
    if ((flags & wanted) == wanted && (flags & ~kOrdinary) == 0) return i;
  }
  return std::nullopt;
}

std::uint32_t first_of(const VkPhysicalDeviceMemoryProperties& all,
                       std::initializer_list<VkMemoryPropertyFlags> wishes) {
  for (const VkMemoryPropertyFlags wanted : wishes) {
    if (const auto type = find_type(all, wanted)) return *type;
  }
  return 0;
}

}  // namespace

VulkanMemory::VulkanMemory(const VulkanContext& context) : context_(context) {
  const VkPhysicalDeviceMemoryProperties& all = context.memory();
  // A GPU with memory of its own may show a part of it to the host, cached or not: what it computes with stays apart.
  const bool own = context.physical().properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  unified_ = !own && !context.options().plain && find_type(all, kUnified).has_value();
  types_[0] = unified_ ? *find_type(all, kUnified) : first_of(all, {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, kVisible});
  types_[1] = first_of(all, {kVisible});
  types_[2] = first_of(all, {kVisible | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, kVisible});
}

VulkanMemory::~VulkanMemory() {
  for (const auto& block : blocks_) destroy(*block);
}

void VulkanMemory::destroy(Block& block) {
  const VulkanApi& api = context_.api();
  if (block.buffer != VK_NULL_HANDLE) api.DestroyBuffer(context_.device(), block.buffer, nullptr);
  if (block.memory != VK_NULL_HANDLE) api.FreeMemory(context_.device(), block.memory, nullptr);
}

std::uint32_t VulkanMemory::type_for(VulkanMemoryKind kind) const { return types_[static_cast<std::size_t>(kind)]; }

void VulkanMemory::check_budget(VulkanMemoryKind kind, VkDeviceSize bytes, std::string_view purpose) const {
  if (kind != VulkanMemoryKind::device) return;
  std::uint64_t left = context_.free_bytes(context_.memory().memoryTypes[type_for(kind)].heapIndex, device_bytes_);
  const std::uint64_t limit = context_.options().memory_limit;
  if (limit > 0) left = std::min<std::uint64_t>(left, limit - std::min<std::uint64_t>(limit, device_bytes_));
  if (bytes <= left) return;
  throw Error("Vulkan device " + context_.physical().info.name + " has no room for " + std::string(purpose) + ": " +
              in_binary_units(bytes) + " more are needed, " + in_binary_units(left) +
              " are left. Use a smaller model, a shorter context (--ctx), fewer layers there or another device");
}

VulkanMemory::Block& VulkanMemory::add_block(VulkanMemoryKind kind, VkDeviceSize bytes, std::string_view purpose) {
  const VulkanApi& api = context_.api();
  auto block = std::make_unique<Block>();
  block->kind = kind;
  // Only what is asked for where it is much, or where memory is counted closely.
  block->size = context_.options().memory_limit > 0 ? bytes : std::max(bytes, kBlockBytes);
  struct Cleanup {
    VulkanMemory& memory;
    std::unique_ptr<Block>& block;
    ~Cleanup() {
      if (block != nullptr) memory.destroy(*block);
    }
  } cleanup{*this, block};

  VkBufferCreateInfo buffer{};
  buffer.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  buffer.size = block->size;
  buffer.usage =
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  const std::string what = in_binary_units(bytes) + " for " + std::string(purpose);
  const auto check = [&](VkResult result, const char* call) {
    if (result < 0) throw_vulkan_error(result, call, context_.physical().info.name, what);
  };
  const VkDevice device = context_.device();
  check(context_.try_call("vkCreateBuffer", api.CreateBuffer, device, &buffer, nullptr, &block->buffer),
        "vkCreateBuffer");
  VkMemoryRequirements needs{};
  api.GetBufferMemoryRequirements(device, block->buffer, &needs);
  VkMemoryAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.allocationSize = needs.size;
  info.memoryTypeIndex = type_for(kind);
  check(context_.try_call("vkAllocateMemory", api.AllocateMemory, device, &info, nullptr, &block->memory),
        "vkAllocateMemory");
  check(context_.try_call("vkBindBufferMemory", api.BindBufferMemory, device, block->buffer, block->memory,
                          VkDeviceSize{0}),
        "vkBindBufferMemory");
  if (kind != VulkanMemoryKind::device || unified_) {
    void* host = nullptr;
    check(context_.try_call("vkMapMemory", api.MapMemory, device, block->memory, VkDeviceSize{0},
                            VkDeviceSize{VK_WHOLE_SIZE}, VkMemoryMapFlags{0}, &host),
          "vkMapMemory");
    block->host = static_cast<std::byte*>(host);
  }
  block->free[0] = block->size;
  blocks_.push_back(std::move(block));
  return *blocks_.back();
}

VulkanMemory::Allocation VulkanMemory::allocate(VulkanMemoryKind kind, VkDeviceSize bytes, std::string_view purpose) {
  const VkDeviceSize size = aligned(std::max<VkDeviceSize>(bytes, 1));
  // All of what shaders work in is bound as a whole.
  const std::uint64_t most = kind == VulkanMemoryKind::device
                                 ? std::min<std::uint64_t>(context_.largest_allocation(), context_.largest_binding())
                                 : context_.largest_allocation();
  if (bytes > most || size < bytes) {
    throw Error("Vulkan device " + context_.physical().info.name + " holds at most " + in_binary_units(most) +
                " at one place, and " + std::string(purpose) + " take " + in_binary_units(bytes) +
                ": use a smaller --batch, a shorter context (--ctx) or another device");
  }
  check_budget(kind, size, purpose);
  Block* block = nullptr;
  std::map<VkDeviceSize, VkDeviceSize>::iterator place;
  for (const auto& candidate : blocks_) {
    if (candidate->kind != kind) continue;
    place = std::find_if(candidate->free.begin(), candidate->free.end(),
                         [&](const auto& hole) { return hole.second >= size; });
    if (place == candidate->free.end()) continue;
    block = candidate.get();
    break;
  }
  if (block == nullptr) {
    block = &add_block(kind, size, purpose);
    place = block->free.begin();
  }
  const auto [offset, room] = *place;
  block->free.erase(place);
  if (room > size) block->free[offset + size] = room - size;
  if (kind == VulkanMemoryKind::device) device_bytes_ += bytes;

  Allocation allocation;
  allocation.memory_ = this;
  allocation.block_ = block;
  allocation.range_ = {block->buffer, offset, bytes, block->host == nullptr ? nullptr : block->host + offset};
  return allocation;
}

void VulkanMemory::release(Block* block, const VulkanRange& range) {
  if (block->kind == VulkanMemoryKind::device) device_bytes_ -= range.size;
  VkDeviceSize offset = range.offset;
  VkDeviceSize size = aligned(std::max<VkDeviceSize>(range.size, 1));
  auto next = block->free.lower_bound(offset);
  if (next != block->free.end() && next->first == offset + size) {
    size += next->second;
    next = block->free.erase(next);
  }
  if (next != block->free.begin()) {
    const auto previous = std::prev(next);
    if (previous->first + previous->second == offset) {
      offset = previous->first;
      size += previous->second;
      block->free.erase(previous);
    }
  }
  block->free[offset] = size;
  if (size < block->size) return;
  if (block->kind == VulkanMemoryKind::device) ++generation_;
  destroy(*block);
  std::erase_if(blocks_, [&](const auto& of) { return of.get() == block; });
}

void VulkanMemory::Allocation::reset() {
  if (memory_ != nullptr) memory_->release(block_, range_);
  memory_ = nullptr;
  block_ = nullptr;
  range_ = {};
}

}  // namespace covey
