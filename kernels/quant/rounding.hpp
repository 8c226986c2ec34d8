// What encoders round with, one number at a time or four: comparisons and additions, with the same results everywhere.
#pragma once

#include <cmath>
#include <cstring>

namespace covey {

/// Compilers map it to a register of any SIMD unit; by themselves they don't find the lanes in an encoder's search.
using FourFloats [[gnu::vector_size(16)]] = float;

[[maybe_unused]] static inline FourFloats load_four(const float* at) {
  FourFloats four;
  std::memcpy(&four, at, sizeof(four));
  return four;
}
[[maybe_unused]] static inline FourFloats splat_four(float value) { return FourFloats{value, value, value, value}; }
[[maybe_unused]] static inline float sum_of_four(FourFloats four) { return (four[0] + four[1]) + (four[2] + four[3]); }

/// To the nearest integer, to even from half way, for |value| < 2^22: at 1.5 * 2^23 a float's last place is worth 1.
[[maybe_unused]] static inline float round_near(float value) { return (value + 0x1.8p23F) - 0x1.8p23F; }
[[maybe_unused]] static inline FourFloats round_near(FourFloats value) {
  return (value + splat_four(0x1.8p23F)) - splat_four(0x1.8p23F);
}

/// Into [low, high]; NaN becomes `low`.
[[maybe_unused]] static inline float clamp_to(float value, float low, float high) {
  const float above = value > low ? value : low;
  return above < high ? above : high;
}
[[maybe_unused]] static inline FourFloats clamp_to(FourFloats value, float low, float high) {
  const FourFloats above = value > splat_four(low) ? value : splat_four(low);
  return above < splat_four(high) ? above : splat_four(high);
}

/// A weight that arithmetic can bear: NaN becomes zero, and the infinite 2^120, far beyond what an fp16 scale can hold,
/// so that a block with one decodes to what is not finite, while sums and differences here stay finite.
[[maybe_unused]] static inline float bounded(float weight) {
  return weight == weight ? clamp_to(weight, -0x1p120F, 0x1p120F) : 0.0F;  // NOLINT(misc-redundant-expression)
}

struct WeightRange {
  float low, high;
};

/// Of n >= 1 weights, bounded.
[[maybe_unused]] static inline WeightRange range_of(const float* weights, int n) {
  WeightRange range{bounded(weights[0]), bounded(weights[0])};
  for (int i = 1; i < n; ++i) {
    const float weight = bounded(weights[i]);
    range.low = weight < range.low ? weight : range.low;
    range.high = weight > range.high ? weight : range.high;
  }
  return range;
}

/// The first weight of the largest magnitude of n, bounded, with its sign.
[[maybe_unused]] static inline float extreme_of(const float* weights, int n) {
  float extreme = 0.0F;
  for (int i = 0; i < n; ++i) {
    const float weight = bounded(weights[i]);
    if (std::fabs(weight) > std::fabs(extreme)) extreme = weight;
  }
  return extreme;
}

}  // namespace covey
