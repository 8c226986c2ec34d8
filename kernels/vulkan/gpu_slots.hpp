// The activation slots of a Vulkan device, and the host's view of them.
//
// Where the host sees the memory that shaders work in, a view is that memory. Elsewhere it is a mirror, which is copied
// back when an operation next reads the slot: what the host has written, if anything, is then there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/device.hpp"
#include "kernels/vulkan/vulkan_recorder.hpp"

namespace covey {

class GpuSlots {
 public:
  GpuSlots(VulkanMemory& memory, VulkanRecorder& recorder) : memory_(memory), recorder_(recorder) {}

  /// See Device::reserve.
  void reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows);

  std::int32_t max_rows() const { return max_rows_; }
  std::int32_t width(Slot slot) const { return at(slot).width; }
  std::int32_t rows(Slot slot) const { return at(slot).rows; }
  /// Another number whenever the slot's values may be others, of no other slot; never 0.
  std::uint64_t version(Slot slot) const { return at(slot).version; }
  std::uint32_t count(Slot slot) const {
    return static_cast<std::uint32_t>(rows(slot)) * static_cast<std::uint32_t>(width(slot));
  }

  /// For an operation that reads a slot, changes it in place, or gives it `rows` new rows. Slots of no width get a
  /// range that nothing will be read from or written to.
  VulkanBinding read(Slot slot);
  VulkanBinding change(Slot slot);
  VulkanBinding overwrite(Slot slot, std::int32_t rows);

  /// See Device::map.
  std::span<float> map(Slot slot);
  std::span<float> map(Slot slot, std::int32_t rows);

 private:
  struct Rows {
    std::int32_t width = 0;
    std::int32_t rows = 0;
    VulkanMemory::Allocation memory;  // (max_rows, width)
    std::uint64_t version = 0;
  };

  const Rows& at(Slot slot) const { return slots_[static_cast<std::size_t>(slot)]; }
  Rows& at(Slot slot) { return slots_[static_cast<std::size_t>(slot)]; }
  VulkanRange used(Slot slot) const;
  const VulkanRange& range(Slot slot);
  void set_rows(Slot slot, std::int32_t rows);
  void note_change(Slot slot) { at(slot).version = ++changes_; }
  /// What the host may have written goes to the slot.
  void settle();
  /// Room for a slot in the mirror; nothing runs any more.
  std::span<float> mirror(Slot slot);

  VulkanMemory& memory_;
  VulkanRecorder& recorder_;
  std::array<Rows, kSlotCount> slots_;
  std::int32_t max_rows_ = 0;
  std::uint64_t changes_ = 0;
  VulkanMemory::Allocation nothing_;  // bound for slots of no width
  VulkanMemory::Allocation mirror_;
  std::optional<Slot> mirrored_;
};

}  // namespace covey
