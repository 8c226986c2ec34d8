#include "kernels/vulkan/gpu_matrix.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "covey/error.hpp"
#include "kernels/cpu/packed_matrix.hpp"

namespace covey {
namespace {

// Copied at once, and so what lies twice in memory meanwhile.
constexpr std::size_t kBandOnDevice = std::size_t{4} << 20;
constexpr std::int64_t kPiece = 32;  // columns

/// Where a block of `type` has the fp16 scale that stands apart on the device; -1: it is whole words.
int half_at(const TensorTypeInfo& type) {
  if (type.block_bytes % 4 == 0) return -1;
  // Blocks of 32 begin with it, blocks of 256 end with it.
  return type.block_elements == 32 ? 0 : static_cast<int>(type.block_bytes) - 2;
}

bool is_plain(const TensorTypeInfo& type) { return type.block_elements == 1; }

}  // namespace

GpuRows::GpuRows(const MatrixView& weights) : type(weights.type), cols(weights.cols) {
  const TensorTypeInfo& info = tensor_type_info(type);
  std::int64_t words = 0, apart = 0;
  if (is_plain(info)) {
    words = (cols + kPiece - 1) / kPiece * kPiece * info.block_bytes / 4;
    apart = words;
  } else {
    const std::int64_t blocks = cols / info.block_elements;
    apart = blocks * (info.block_bytes / 4);
    words = apart + (half_at(info) < 0 ? 0 : (blocks + 1) / 2);
  }
  if (words > INT32_MAX / 4) {
    throw Error("rows of " + std::to_string(cols) + " weights are too long for a Vulkan device");
  }
  row_words = static_cast<std::uint32_t>(words);
  halves = static_cast<std::uint32_t>(apart);
}

std::string GpuRows::format_name() const {
  std::string name(tensor_type_info(type).name);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

void GpuRows::repack(const std::byte* row, std::byte* out) const {
  const TensorTypeInfo& info = tensor_type_info(type);
  if (is_plain(info)) {
    const std::size_t bytes = static_cast<std::size_t>(cols) * info.block_bytes;
    if (bytes > 0) std::memcpy(out, row, bytes);
    std::memset(out + bytes, 0, row_bytes() - bytes);
    return;
  }
  const int half = half_at(info);
  const std::int64_t blocks = cols / info.block_elements;
  if (half < 0) {
    if (blocks > 0) std::memcpy(out, row, row_bytes());
    return;
  }
  const std::size_t whole = info.block_bytes - 2;
  std::byte* const scales = out + std::size_t{halves} * 4;
  for (std::int64_t b = 0; b < blocks; ++b, row += info.block_bytes, out += whole) {
    std::memcpy(out, row + (half == 0 ? 2 : 0), whole);
    std::memcpy(scales + 2 * b, row + half, 2);
  }
  if (blocks % 2 != 0) std::memset(scales + 2 * blocks, 0, 2);
}

GpuMatrix upload_matrix(const MatrixView& weights, const Device::Packed& packed, const VulkanContext& context,
                        VulkanMemory& memory, VulkanRecorder& recorder) {
  checked_format(weights);
  GpuMatrix matrix;
  matrix.shape = GpuRows(weights);
  matrix.rows = weights.rows;
  const std::size_t row_bytes = matrix.shape.row_bytes();
  if (weights.rows == 0 || row_bytes == 0) return matrix;
  if (weights.rows > INT32_MAX) throw Error("a matrix of so many rows is too large for a Vulkan device");

  const std::uint64_t most = std::min<std::uint64_t>(context.largest_binding(), context.largest_allocation());
  // Whole bands, so that each begins where a binding can, in whatever part.
  const auto fit = static_cast<std::int64_t>(std::max<std::uint64_t>(1, most / row_bytes));
  const std::int64_t rows_in_part = fit < kBandRows ? fit : fit / kBandRows * kBandRows;
  const auto band = static_cast<std::int64_t>(std::max<std::size_t>(1, kBandOnDevice / row_bytes));
  const TensorTypeInfo& info = tensor_type_info(weights.type);
  const std::size_t file_row = static_cast<std::size_t>(weights.cols) / info.block_elements * info.block_bytes;
  for (std::int64_t first = 0; first < weights.rows; first += rows_in_part) {
    GpuMatrix::Part& part = matrix.parts.emplace_back();
    part.first_row = first;
    part.rows = std::min(rows_in_part, weights.rows - first);
    part.memory = memory.allocate(VulkanMemoryKind::device, static_cast<std::size_t>(part.rows) * row_bytes, "weights");
    part.range = part.memory.range();
    for (std::int64_t row = 0; row < part.rows; row += band) {
      const std::int64_t rows = std::min(band, part.rows - row);
      const VulkanRange to =
          part.range.part(static_cast<std::size_t>(row) * row_bytes, static_cast<std::size_t>(rows) * row_bytes);
      const VulkanRange from = to.host != nullptr ? to : recorder.stage(to.size);
      const std::byte* const source = weights.data + static_cast<std::size_t>(first + row) * weights.row_stride;
      for (std::int64_t r = 0; r < rows; ++r) {
        matrix.shape.repack(source + static_cast<std::size_t>(r) * weights.row_stride,
                            from.host + static_cast<std::size_t>(r) * row_bytes);
      }
      if (to.host == nullptr) recorder.copy(from, to);
      if (packed) packed({source, static_cast<std::size_t>(rows - 1) * weights.row_stride + file_row});
    }
  }
  return matrix;
}

}  // namespace covey
