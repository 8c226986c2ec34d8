// Seeded numbers for tests: the same on every platform, unlike the standard library's distributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/quant/formats.hpp"
#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

class RandomData {
 public:
  explicit RandomData(std::uint32_t seed) : generator_(seed) {}

  /// In [-1, 1].
  float number() { return static_cast<float>(generator_() >> 8) / static_cast<float>(1U << 23) - 1.0F; }
  std::vector<float> numbers(std::size_t n) {
    std::vector<float> values(n);
    for (float& value : values) value = number();
    return values;
  }

 private:
  std::mt19937 generator_;
};

/// A matrix in one of the formats, with room between its rows, and what its elements are.
struct TestMatrix {
  TestMatrix() = default;
  TestMatrix(TensorType type, std::int64_t rows, std::int64_t cols, RandomData& data) {
    const TensorTypeInfo& info = tensor_type_info(type);
    if (cols % info.block_elements != 0) throw std::invalid_argument("a test matrix wants whole blocks");
    const std::size_t row_bytes = static_cast<std::size_t>(cols / info.block_elements) * info.block_bytes;
    const std::size_t stride = row_bytes + 3 * info.block_bytes;
    bytes.resize(static_cast<std::size_t>(rows) * stride);
    values.resize(static_cast<std::size_t>(rows * cols));
    const Format& format = *find_format(type);
    for (std::int64_t r = 0; cols > 0 && r < rows; ++r) {
      const std::vector<float> row = data.numbers(static_cast<std::size_t>(cols));
      std::byte* const encoded = bytes.data() + static_cast<std::size_t>(r) * stride;
      format.encode(row.data(), cols, encoded);
      format.decode(encoded, cols, values.data() + r * cols);
    }
    view = {bytes.data(), type, rows, cols, stride};
  }

  std::vector<std::byte> bytes;
  std::vector<float> values;  // (rows, cols)
  MatrixView view;
};

}  // namespace covey
