#include "kernels/cpu/activations.hpp"

#include <algorithm>
#include <cassert>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::string_view kPurpose = "activations";

// As many in blocks of either size.
std::size_t row_bytes_of(std::int32_t width) {
  return static_cast<std::size_t>(width) / kActivationBlock * sizeof(ActivationBlock);
}

std::size_t bytes_of(std::int32_t rows, std::size_t row_elements, std::size_t element_bytes) {
  const std::size_t factors[] = {static_cast<std::size_t>(rows), row_elements, element_bytes};
  return checked_product(factors, kPurpose);
}

}  // namespace

void Activations::reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows) {
  if (max_rows < 0 || *std::min_element(widths.begin(), widths.end()) < 0) {
    throw Error("activations of negative size cannot be");
  }
  max_rows_ = max_rows;
  std::size_t most_bytes = 0;
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    const auto width = static_cast<std::size_t>(widths[i]);
    const std::int32_t rows = grows(static_cast<Slot>(i)) ? 0 : max_rows;  // see overwrite()
    slots_[i] = {widths[i], 0, true, AlignedBuffer(bytes_of(rows, width, sizeof(float)), kPurpose)};
    if (rows > 0) most_bytes = std::max(most_bytes, row_bytes_of(widths[i]));
  }
  for (Copy& copy : copies_) copy = {AlignedBuffer(bytes_of(max_rows, most_bytes, 1), kPurpose), {}};
}

std::size_t Activations::memory_bytes() const {
  std::size_t bytes = 0;
  for (const Copy& copy : copies_) bytes += copy.memory.size();
  for (const Rows& slot : slots_) bytes += slot.memory.size();
  return bytes;
}

float* Activations::overwrite(Slot slot, std::int32_t rows) {
  assert(rows >= 0);
  Rows& target = at(slot);
  const std::size_t bytes = bytes_of(rows, static_cast<std::size_t>(target.width), sizeof(float));
  if (grows(slot) && bytes > target.memory.size()) target.memory = AlignedBuffer(bytes, "logits");
  assert(bytes <= target.memory.size());
  target.rows = rows;
  target.has_floats = true;
  return change(slot);
}

float* Activations::overwrite_without_floats(Slot slot, std::int32_t rows) {
  float* const room = overwrite(slot, rows);
  at(slot).has_floats = false;
  return room;
}

float* Activations::change(Slot slot, std::int64_t first) {
  assert(at(slot).has_floats);
  for (Copy& copy : copies_) {
    if (copy.of == slot) copy.columns = std::min(copy.columns, first);
  }
  return floats(slot);
}

Activations::Int8Copy Activations::int8_copy(Slot slot, ActivationKind kind, std::int64_t columns) {
  [[maybe_unused]] const int block = activation_block(kind);
  assert(width(slot) % block == 0 && columns % block == 0 && columns <= width(slot));
  assert(!grows(slot));
  if (copies_[newest_copy_].of != slot) newest_copy_ = 1 - newest_copy_;
  Copy& copy = copies_[newest_copy_];
  const std::int64_t valid = copy.of == slot && copy.kind == kind ? copy.columns : 0;
  copy.of = slot;
  copy.kind = kind;
  copy.columns = std::max(valid, columns);
  return {copy.memory.data(), row_bytes_of(width(slot)), valid};
}

}  // namespace covey
