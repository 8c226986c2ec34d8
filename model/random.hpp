// The random numbers of sampling: the same sequence on every machine and compiler, which std:: distributions don't
// promise. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
#pragma once

#include <cstdint>

namespace covey {

inline constexpr std::uint64_t kSplitmixStep = 0x9E3779B97F4A7C15U;

/// A bijection that spreads every bit of `x` over all bits.
inline constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

/// The next of the sequence that `state` stands for.
inline constexpr std::uint64_t next_random(std::uint64_t& state) { return mix_bits(state += kSplitmixStep); }

/// Uniform in [0, 1), a multiple of 2^-53.
inline constexpr double next_uniform(std::uint64_t& state) {
  return static_cast<double>(next_random(state) >> 11U) * 0x1p-53;
}

}  // namespace covey
