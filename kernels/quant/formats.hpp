// The formats of format_list.hpp at run time: what can be done with rows of each, without naming one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/isa.hpp"
#include "kernels/device.hpp"

namespace covey {

struct Format {
  TensorType type;
  ActivationKind activations;
  std::size_t index;  ///< in FormatList and in IsaTable::matmul

  /// n elements (whole blocks) of a row to F32.
  void (*decode)(const std::byte* row, std::int64_t n, float* out) noexcept;
  /// The reverse, by the format's reference rule (nearest). n a whole number of blocks.
  void (*encode)(const float* row, std::int64_t n, std::byte* out) noexcept;
  /// Bytes of a panel of kPanelRows rows.
  std::size_t (*panel_bytes)(std::int64_t cols) noexcept;
  /// Packs rows first_row .. first_row + kPanelRows of `weights`; rows past the end count as zero.
  void (*pack)(const MatrixView& weights, std::int64_t first_row, std::byte* panel) noexcept;
};

std::span<const Format> formats();
/// nullptr for a type without kernels.
const Format* find_format(TensorType type);

}  // namespace covey
