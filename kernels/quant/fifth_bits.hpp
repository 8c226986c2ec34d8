// The fifth bits of 32 weights, in the order of a file and of a panel.
//
//   file:   bit i of 32 is of weight i
//   panel:  bit g of byte k is of weight 4 g + k, so that one quad of 4 bytes holds, in bit g, those of columns
//           4 g .. 4 g + 3 beside each other
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace covey {

[[maybe_unused]] static inline std::uint32_t load_fifth_bits(const std::byte* at) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return bits;
}

/// From the order of a file to that of a panel.
[[maybe_unused]] static inline void pack_fifth_bits(const std::byte* from, std::byte* to) {
  const std::uint32_t bits = load_fifth_bits(from);
  std::uint32_t packed = 0;
  for (int i = 0; i < 32; ++i) packed |= ((bits >> i) & 1U) << (8 * (i % 4) + i / 4);
  std::memcpy(to, &packed, sizeof(packed));
}

}  // namespace covey
