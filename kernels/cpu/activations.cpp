#include "kernels/cpu/activations.hpp"

#include <algorithm>
#include <cassert>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::string_view kPurpose = "activations";

std::size_t row_blocks_of(std::int32_t width) { return static_cast<std::size_t>(width) / kActivationBlock; }

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
  int8_of_.reset();
  std::size_t most_blocks = 0;
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    const auto width = static_cast<std::size_t>(widths[i]);
    const std::int32_t rows = grows(static_cast<Slot>(i)) ? 0 : max_rows;  // see overwrite()
    slots_[i] = {widths[i], 0, AlignedBuffer(bytes_of(rows, width, sizeof(float)), kPurpose)};
    if (rows > 0) most_blocks = std::max(most_blocks, row_blocks_of(widths[i]));
  }
  int8_ = AlignedBuffer(bytes_of(max_rows, most_blocks, sizeof(ActivationBlock)), kPurpose);
}

std::size_t Activations::memory_bytes() const {
  std::size_t bytes = int8_.size();
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
  return change(slot);
}

float* Activations::change(Slot slot, std::int64_t first) {
  if (int8_of_ == slot) int8_columns_ = std::min(int8_columns_, first);
  return floats(slot);
}

Activations::Int8Copy Activations::int8_copy(Slot slot, std::int64_t columns) {
  assert(width(slot) % kActivationBlock == 0 && columns % kActivationBlock == 0 && columns <= width(slot));
  assert(!grows(slot));
  const std::int64_t valid = int8_of_ == slot ? int8_columns_ : 0;
  int8_of_ = slot;
  int8_columns_ = std::max(valid, columns);
  return {reinterpret_cast<ActivationBlock*>(int8_.data()), row_blocks_of(width(slot)), valid};
}

}  // namespace covey
