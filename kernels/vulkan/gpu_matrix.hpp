// Weights as they lie on the device: the file's blocks, except that an fp16 scale which keeps a block from being whole
// words stands apart, behind the blocks of its row. shaders/formats/ reads them.
//
//   row:  | block 0: W words | block 1: W words | … | d of block 0, d of block 1 | d of blocks 2, 3 | … |
//
// Rows of floats are padded with zeros to 32 of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/vulkan/vulkan_recorder.hpp"

namespace covey {

/// The shape of rows of a format on the device.
struct GpuRows {
  TensorType type = TensorType::f32;
  std::int64_t cols = 0;
  std::uint32_t row_words = 0;
  std::uint32_t halves = 0;  ///< word of a row where the scales begin that stand apart

  /// For a matrix that checked_format() accepts. Throws Error for rows beyond what 32 bits can count.
  explicit GpuRows(const MatrixView& weights);
  GpuRows() = default;

  std::size_t row_bytes() const { return std::size_t{row_words} * 4; }
  /// One row of the file to `out`, row_bytes() of them.
  void repack(const std::byte* row, std::byte* out) const;
  /// "q4_0", as shaders are named.
  std::string format_name() const;
};

/// A matrix, in as many parts as the device's largest binding asks for.
struct GpuMatrix {
  struct Part {
    VulkanMemory::Allocation memory;
    VulkanRange range;  ///< of the memory; where experts lie together, of theirs
    std::int64_t first_row = 0;
    std::int64_t rows = 0;
  };

  GpuRows shape;
  std::int64_t rows = 0;
  std::vector<Part> parts;

  std::size_t bytes() const { return static_cast<std::size_t>(rows) * shape.row_bytes(); }
};

/// Copies a matrix to the device. Throws Error.
GpuMatrix upload_matrix(const MatrixView& weights, const Device::Packed& packed, const VulkanContext& context,
                        VulkanMemory& memory, VulkanRecorder& recorder);

}  // namespace covey
