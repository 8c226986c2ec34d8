// Widths that suit every format: what a test wants, rounded up to whole blocks.
#pragma once

#include <cstdint>

#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

inline std::int64_t whole_blocks(TensorType type, std::int64_t cols) {
  const std::int64_t block = tensor_type_info(type).block_elements;
  return (cols + block - 1) / block * block;
}

}  // namespace covey
