// F32: weights as IEEE single precision.
//
//   GGUF row:  | w0 | w1 | … |                        4 bytes each
//   panel:     | w0 of rows 0..15 | w1 of rows 0..15 | …    64 bytes a column
#pragma once

#include <cstring>

#include "kernels/quant/formats.hpp"

namespace covey {

struct F32 {
  static constexpr TensorType kType = TensorType::f32;
  static constexpr ActivationKind kActivations = ActivationKind::f32;
  static constexpr int kBlockElements = 1;
  static constexpr int kBlockBytes = 4;
  static constexpr int kPanelBlockBytes = 4;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    if (n > 0) std::memcpy(out, row, static_cast<std::size_t>(n) * sizeof(float));  // no row at all may be null
  }

  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    if (n > 0) std::memcpy(out, row, static_cast<std::size_t>(n) * sizeof(float));  // no row at all may be null
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) std::memcpy(panel + r * kBlockBytes, rows[r], kBlockBytes);
  }

  /// One column of a panel.
  template <class Isa>
  static typename Isa::Floats load(const std::byte* column) noexcept {
    return Isa::load_f32(column);
  }
};

}  // namespace covey
