// The activation slots of the CPU device, and the int8 copies that products with quantized weights read.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/device.hpp"

namespace covey {

class Activations {
 public:
  /// See Device::reserve. Throws Error for widths or rows below zero, or for lack of memory.
  void reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows);

  std::int32_t max_rows() const { return max_rows_; }
  std::int32_t width(Slot slot) const { return at(slot).width; }
  std::int32_t rows(Slot slot) const { return at(slot).rows; }
  std::size_t memory_bytes() const;

  const float* row(Slot slot, std::int64_t index) const {
    assert(at(slot).has_floats);
    return floats(slot) + index * width(slot);
  }
  float* row(Slot slot, std::int64_t index) {
    assert(at(slot).has_floats);
    return floats(slot) + index * width(slot);
  }

  /// The slot is about to be written: it gets `rows` rows, and its int8 copy is no longer valid.
  float* overwrite(Slot slot, std::int32_t rows);
  /// The same, keeping rows and contents, and the copy of the columns before `first`.
  float* change(Slot slot, std::int64_t first = 0);
  /// As overwrite(), but what is returned is room for anything else: the slot will hold an int8 copy at most.
  float* overwrite_without_floats(Slot slot, std::int32_t rows);

  /// Where the int8 copy of a slot lies: groups of rows, see ActivationKind.
  struct Int8Copy {
    std::byte* blocks;
    std::size_t row_bytes;
    std::int64_t valid;  ///< columns, from the left; those up to `columns` the caller writes now: they count as valid
  };
  /// `kind`: not f32; the slot's width, and `columns`, are multiples of its blocks. There are two copies: the last two
  /// slots asked for have them, each in one kind. A slot without floats is to be read before it loses its own.
  Int8Copy int8_copy(Slot slot, ActivationKind kind, std::int64_t columns);

 private:
  struct Rows {
    std::int32_t width = 0;
    std::int32_t rows = 0;
    bool has_floats = true;
    AlignedBuffer memory;  // (max_rows, width)
  };

  struct Copy {
    AlignedBuffer memory;
    std::optional<Slot> of;
    ActivationKind kind = ActivationKind::int8;
    std::int64_t columns = 0;
  };

  const Rows& at(Slot slot) const { return slots_[static_cast<std::size_t>(slot)]; }
  Rows& at(Slot slot) { return slots_[static_cast<std::size_t>(slot)]; }
  const float* floats(Slot slot) const { return reinterpret_cast<const float*>(at(slot).memory.data()); }
  float* floats(Slot slot) { return reinterpret_cast<float*>(at(slot).memory.data()); }

  std::array<Rows, kSlotCount> slots_;
  std::int32_t max_rows_ = 0;
  std::array<Copy, 2> copies_;
  std::size_t newest_copy_ = 0;
};

}  // namespace covey
