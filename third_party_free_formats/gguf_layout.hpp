// What the reader and the writer of GGUF must agree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr std::string_view kGgufAlignmentKey = "general.alignment";
inline constexpr std::size_t kGgufMostDims = 4;
/// Arrays in arrays: a flat array has depth 1.
inline constexpr int kGgufMostArrayDepth = 4;
/// Sizes and offsets stay in the range of signed 64-bit arithmetic, which all users of a file may then use.
inline constexpr std::uint64_t kGgufMostBytes = std::numeric_limits<std::int64_t>::max();

/// Bytes of a tensor's data. Throws Error starting with `where` if there are not 1..4 dimensions of at least 1, a row
/// is not whole blocks of `type`, or the size has more than 63 bits.
std::uint64_t gguf_tensor_bytes(const std::string& where, TensorType type, std::span<const std::uint64_t> dims);

/// Throws Error starting with `where` unless `alignment` is a power of two that is at least 8 (the format's minimum,
/// and what lets numbers be read in place).
void check_gguf_alignment(const std::string& where, std::uint32_t alignment);

/// Bytes of a tensor's entry in the header: name, dimensions, type, offset.
constexpr std::uint64_t gguf_tensor_info_bytes(std::string_view name, std::size_t dims) {
  return 8 + name.size() + 4 + 8 * dims + 4 + 8;
}

/// `bytes`, at most kGgufMostBytes, rounded up to a multiple of `alignment`.
constexpr std::uint64_t gguf_aligned(std::uint64_t bytes, std::uint32_t alignment) {
  return (bytes + alignment - 1) & ~(std::uint64_t{alignment} - 1);
}

}  // namespace covey
