// Hashes that show whether ranks hold the same files. Not for adversaries, only for accidents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// FNV-1a over 64-bit words (the tail padded with zeros).
class Fingerprint {
 public:
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

/// Of the headers of all parts, and 4 KiB from the start, middle and end of each tensor: models that were trained apart
/// differ in these, and reading whole files of gigabytes at every start would cost seconds.
std::uint64_t fingerprint_of(const GgufFile& file);

}  // namespace covey
