#include "third_party_free_formats/gguf_layout.hpp"

#include <algorithm>
#include <bit>

#include "covey/error.hpp"

namespace covey {

std::uint64_t gguf_tensor_bytes(const std::string& where, TensorType type, std::span<const std::uint64_t> dims) {
  if (dims.empty() || dims.size() > kGgufMostDims) {
    throw Error(where + " has " + std::to_string(dims.size()) + " dimensions, not 1 to 4");
  }
  if (std::ranges::count(dims, std::uint64_t{0}) != 0) throw Error(where + " has a dimension of 0");
  const TensorTypeInfo& info = tensor_type_info(type);
  if (dims[0] % info.block_elements != 0) {
    throw Error(where + " has rows of " + std::to_string(dims[0]) + " weights, not whole blocks of " +
                std::to_string(info.block_elements) + " as " + std::string(info.name) + " needs");
  }
  // Elements are counted too: those of a quantized tensor are more than its bytes.
  std::uint64_t elements = 1;
  bool too_large = false;
  for (const std::uint64_t dim : dims) {
    too_large = too_large || __builtin_mul_overflow(elements, dim, &elements) || elements > kGgufMostBytes;
  }
  std::uint64_t bytes = 0;
  if (too_large || __builtin_mul_overflow(elements / info.block_elements, info.block_bytes, &bytes) ||
      bytes > kGgufMostBytes) {
    throw Error(where + " has more weights than 63 bits can count");
  }
  return bytes;
}

void check_gguf_alignment(const std::string& where, std::uint32_t alignment) {
  if (alignment < 8 || !std::has_single_bit(alignment)) {
    throw Error(where + ": " + std::string(kGgufAlignmentKey) + " is " + std::to_string(alignment) +
                ", it must be a power of two that is at least 8");
  }
}

}  // namespace covey
