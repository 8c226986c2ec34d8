#include "kernels/vulkan/gpu_slots.hpp"

#include <algorithm>
#include <cassert>

#include "covey/error.hpp"
#include "kernels/cpu/aligned_buffer.hpp"

namespace covey {
namespace {

std::size_t slot_bytes(std::int32_t rows, std::int32_t width) {
  const std::size_t factors[] = {static_cast<std::size_t>(rows), static_cast<std::size_t>(width), sizeof(float)};
  const std::size_t bytes = checked_product(factors, "activations");
  // Shaders count values with 32 bits.
  if (bytes > UINT32_MAX) {
    throw Error("activations of " + std::to_string(rows) + " rows of " + std::to_string(width) +
                " values are too large for a Vulkan device: use a smaller --batch");
  }
  return bytes;
}

}  // namespace

void GpuSlots::reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows) {
  if (max_rows < 0 || *std::min_element(widths.begin(), widths.end()) < 0) {
    throw Error("activations of negative size cannot be");
  }
  recorder_.finish();
  mirrored_.reset();
  max_rows_ = max_rows;
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    const std::size_t bytes = grows(static_cast<Slot>(i)) ? 0 : slot_bytes(max_rows, widths[i]);  // see set_rows()
    slots_[i] = {widths[i], 0, {}, ++changes_};
    if (bytes > 0) slots_[i].memory = memory_.allocate(VulkanMemoryKind::device, bytes, "activations");
  }
}

const VulkanRange& GpuSlots::range(Slot slot) {
  const Rows& of = at(slot);
  if (of.memory) return of.memory.range();
  if (!nothing_) nothing_ = memory_.allocate(VulkanMemoryKind::device, sizeof(float), "activations");
  return nothing_.range();
}

VulkanRange GpuSlots::used(Slot slot) const {
  const Rows& of = at(slot);
  return of.memory.range().part(0, slot_bytes(of.rows, of.width));
}

void GpuSlots::set_rows(Slot slot, std::int32_t rows) {
  assert(rows >= 0);
  Rows& of = at(slot);
  const std::size_t bytes = slot_bytes(rows, of.width);
  if (grows(slot) && bytes > of.memory.range().size) {
    recorder_.finish();
    of.memory.reset();
    of.memory = memory_.allocate(VulkanMemoryKind::device, bytes, "logits");
  }
  assert(bytes <= of.memory.range().size);
  of.rows = rows;
}

VulkanBinding GpuSlots::read(Slot slot) {
  if (mirrored_ == slot) settle();
  return {range(slot), false};
}

VulkanBinding GpuSlots::change(Slot slot) {
  note_change(slot);
  if (mirrored_ == slot) settle();
  return {range(slot), true};
}

VulkanBinding GpuSlots::overwrite(Slot slot, std::int32_t rows) {
  note_change(slot);
  if (mirrored_ == slot) mirrored_.reset();
  set_rows(slot, rows);
  return {range(slot), true};
}

void GpuSlots::settle() {
  if (!mirrored_) return;
  const VulkanRange to = used(*mirrored_);
  recorder_.copy(mirror_.range().part(0, to.size), to);
  mirrored_.reset();
}

std::span<float> GpuSlots::mirror(Slot slot) {
  const VulkanRange of = used(slot);
  if (of.size > mirror_.range().size) {
    mirror_.reset();
    mirror_ = memory_.allocate(VulkanMemoryKind::download, of.size, "what comes from the device");
  }
  mirrored_ = slot;
  return {reinterpret_cast<float*>(mirror_.range().host), static_cast<std::size_t>(of.size) / sizeof(float)};
}

std::span<float> GpuSlots::map(Slot slot) {
  note_change(slot);
  if (count(slot) == 0) {
    recorder_.finish();
    return {};
  }
  const VulkanRange of = used(slot);
  if (of.host != nullptr) {
    recorder_.finish();
    return {reinterpret_cast<float*>(of.host), count(slot)};
  }
  if (mirrored_ == slot) return mirror(slot);  // nothing has happened since
  settle();
  recorder_.finish();  // before the mirror is written to, or makes room for a larger one
  const std::span<float> view = mirror(slot);
  recorder_.copy(of, mirror_.range().part(0, of.size));
  recorder_.finish();
  return view;
}

std::span<float> GpuSlots::map(Slot slot, std::int32_t rows) {
  note_change(slot);
  if (mirrored_ == slot) mirrored_.reset();
  settle();
  recorder_.finish();
  set_rows(slot, rows);
  if (count(slot) == 0) return {};
  const VulkanRange of = used(slot);
  return of.host != nullptr ? std::span(reinterpret_cast<float*>(of.host), count(slot)) : mirror(slot);
}

}  // namespace covey
