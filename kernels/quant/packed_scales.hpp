// Eight 6-bit scales and eight 6-bit minima in 12 bytes, as Q4_K and Q5_K keep them in a file:
//
//   byte j     0..3:   scales[j+4] >> 4 << 6 | scales[j]
//   byte j     4..7:   mins[j] >> 4 << 6     | mins[j-4]
//   byte j     8..11:  (mins[j-4] & 15) << 4 | (scales[j-4] & 15)
//
// In a panel each has a byte of its own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace covey {

struct PackedScales {
  static constexpr int kBytes = 12;
  static constexpr int kCount = 8;

  std::uint8_t scales[kCount];
  std::uint8_t mins[kCount];

  static PackedScales load(const std::byte* at) noexcept {
    PackedScales unpacked{};
    const auto bits = [&](int byte, int from, int mask) {
      return static_cast<unsigned>(std::to_integer<int>(at[byte]) >> from & mask);
    };
    for (int j = 0; j < 4; ++j) {
      unpacked.scales[j] = static_cast<std::uint8_t>(bits(j, 0, 63));
      unpacked.mins[j] = static_cast<std::uint8_t>(bits(j + 4, 0, 63));
      unpacked.scales[j + 4] = static_cast<std::uint8_t>(bits(j + 8, 0, 15) | bits(j, 6, 3) << 4);
      unpacked.mins[j + 4] = static_cast<std::uint8_t>(bits(j + 8, 4, 15) | bits(j + 4, 6, 3) << 4);
    }
    return unpacked;
  }

  /// The reverse; all below 64.
  static void store(const std::uint8_t (&scales)[kCount], const std::uint8_t (&mins)[kCount], std::byte* at) noexcept {
    for (int j = 0; j < 4; ++j) {
      at[j] = static_cast<std::byte>(scales[j + 4] >> 4 << 6 | scales[j]);
      at[j + 4] = static_cast<std::byte>(mins[j + 4] >> 4 << 6 | mins[j]);
      at[j + 8] = static_cast<std::byte>((mins[j + 4] & 15) << 4 | (scales[j + 4] & 15));
    }
  }
};

}  // namespace covey
