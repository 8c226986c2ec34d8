// The element types a GGUF tensor may have: their numbers in the file, names and block geometry.
// Source: the GGUF specification, "ggml_type".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace covey {

/// Numbers as stored in the file. Gaps are types that were withdrawn from the format.
enum class TensorType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  iq4_xs = 23,
  bf16 = 30,
};

/// Geometry of a type: `block_elements` consecutive weights of a row occupy `block_bytes` bytes.
struct TensorTypeInfo {
  TensorType type;
  std::string_view name;  ///< as the field writes it: "Q4_0", "F32"
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

/// All types known to the reader, in order of their numbers.
std::span<const TensorTypeInfo> tensor_types();

/// The entry of `type`; `type` must be one of the enumerators.
const TensorTypeInfo& tensor_type_info(TensorType type);

/// The entry with number `id`, or nullptr for a number this library does not know.
const TensorTypeInfo* find_tensor_type(std::uint32_t id);

/// The entry whose name equals `name`, letter case ignored, or nullptr.
const TensorTypeInfo* find_tensor_type(std::string_view name);

}  // namespace covey
