// BF16: weights as the upper halves of IEEE single precision.
//
//   GGUF row:  | w0 | w1 | … |                        2 bytes each: s eeeeeeee mmmmmmm
//   panel:     | w0 of rows 0..15 | w1 of rows 0..15 | …    32 bytes a column
#pragma once

#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

struct BF16 {
  static constexpr TensorType kType = TensorType::bf16;
  static constexpr ActivationKind kActivations = ActivationKind::f32;
  static constexpr int kBlockElements = 1;
  static constexpr int kBlockBytes = 2;
  static constexpr int kPanelBlockBytes = 2;

  static void decode(const std::byte* row, std::int64_t n, float* out) noexcept {
    for (std::int64_t i = 0; i < n; ++i) out[i] = bf16_to_f32(load_u16(row + 2 * i));
  }

  static void encode(const float* row, std::int64_t n, std::byte* out) noexcept {
    for (std::int64_t i = 0; i < n; ++i) store_u16(f32_to_bf16(row[i]), out + 2 * i);
  }

  static void pack_block(const std::byte* const (&rows)[kPanelRows], std::byte* panel) noexcept {
    for (std::ptrdiff_t r = 0; r < kPanelRows; ++r) std::memcpy(panel + r * kBlockBytes, rows[r], kBlockBytes);
  }

  /// One column of a panel.
  template <class Isa>
  static typename Isa::Floats load(const std::byte* column) noexcept {
    return Isa::load_bf16(column);
  }
};

}  // namespace covey
