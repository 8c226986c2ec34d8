// Half-precision numbers, one at a time: exact widening, narrowing to nearest-even.
//
//   fp16:  s eeeee mmmmmmmmmm          1 + 5 + 10 bits, exponent bias 15
//   bf16:  s eeeeeeee mmmmmmm          1 + 8 + 7 bits: the upper half of an F32
//   F32:   s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm
//
// Functions are static: files compiled for different instruction sets must not share a copy.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace covey {

static_assert(std::endian::native == std::endian::little, "blocks are read in place, and are little-endian");

[[maybe_unused]] static inline float fp16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 31U;
  const std::uint32_t mantissa = half & 0x3ffU;
  if (exponent == 31) return __builtin_bit_cast(float, sign | 0x7f800000U | (mantissa << 13));
  if (exponent != 0) return __builtin_bit_cast(float, sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Zero or subnormal: mantissa * 2^-24, exact in F32.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return __builtin_bit_cast(float, sign | __builtin_bit_cast(std::uint32_t, magnitude));
}

/// Overflow gives infinity; a NaN stays a (quiet) NaN with the upper bits of its payload.
[[maybe_unused]] static inline std::uint16_t f32_to_fp16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U | ((magnitude >> 13) & 0x3ffU));
  if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);  // rounds to 65536 or more
  if (magnitude < 0x38800000U) {
    // Below 2^-14 the result is a multiple of 2^-24. Adding 0.5 makes the F32 adder round at that place.
    const float shifted = __builtin_bit_cast(float, magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (__builtin_bit_cast(std::uint32_t, shifted) - 0x3f000000U));
  }
  // Half a unit less one, plus the last kept bit: ties go to even. A carry moves into the exponent as it should.
  const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded - (112U << 23)) >> 13));
}

[[maybe_unused]] static inline float bf16_to_f32(std::uint16_t half) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(half) << 16);
}

/// A NaN stays a (quiet) NaN.
[[maybe_unused]] static inline std::uint16_t f32_to_bf16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

/// 16 bits at any address.
[[maybe_unused]] static inline std::uint16_t load_u16(const std::byte* at) {
  std::uint16_t value = 0;
  __builtin_memcpy(&value, at, sizeof(value));
  return value;
}

[[maybe_unused]] static inline void store_u16(std::uint16_t value, std::byte* at) {
  __builtin_memcpy(at, &value, sizeof(value));
}

}  // namespace covey
