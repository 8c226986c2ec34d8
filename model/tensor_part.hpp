// A part of a tensor as equal files name it to each other: where it lies, not what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Bytes of one tensor of a file, as they lie there.
struct TensorPart {
  std::uint32_t tensor = 0;  ///< in GgufFile::tensors()
  std::uint64_t offset = 0;  ///< from the tensor's first byte
  std::uint64_t bytes = 0;   ///< at least one
  bool operator==(const TensorPart&) const = default;
};

/// The part that is `bytes`. Throws Error if they are no tensor's of this file.
TensorPart part_of(const GgufFile& file, std::span<const std::byte> bytes);
/// The bytes of a part. Throws Error naming the file if it has no such part.
std::span<const std::byte> bytes_of(const GgufFile& file, const TensorPart& part);

}  // namespace covey
