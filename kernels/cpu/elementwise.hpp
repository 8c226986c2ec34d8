// Element-wise kernels: see IsaTable for what each computes.
#pragma once

#include <cstring>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

/// into[i] = f(from[i], into[i]), 16 at a time.
template <class Isa, class F>
void map_into(const float* from, std::int64_t n, float* into, F f) noexcept {
  using Floats = typename Isa::Floats;
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) f(Floats::load(from + i), Floats::load(into + i)).store(into + i);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    f(Floats::load_first(from + i, rest), Floats::load_first(into + i, rest)).store_first(into + i, rest);
  }
}

template <class Isa>
void add(const float* from, std::int64_t n, float* into) noexcept {
  map_into<Isa>(from, n, into, [](const auto& x, const auto& y) { return y + x; });
}

template <class Isa>
void scale(float factor, std::int64_t n, float* values) noexcept {
  using Floats = typename Isa::Floats;
  const Floats factors = Floats::splat(factor);
  map_into<Isa>(values, n, values, [&](const Floats&, const Floats& x) { return x * factors; });
}

// Plain loops: the compiler knows how to take neighbours apart, and single operations leave it no choice of rounding.

template <class Isa>
void rope_adjacent(const float* cosine, const float* sine, std::int32_t pairs, float* head) noexcept {
  for (std::ptrdiff_t i = 0; i < pairs; ++i) {
    const float x = head[2 * i];
    const float y = head[2 * i + 1];
    head[2 * i] = x * cosine[i] - y * sine[i];
    head[2 * i + 1] = x * sine[i] + y * cosine[i];
  }
}

template <class Isa>
void rope_halves(const float* cosine, const float* sine, std::int32_t pairs, float* head) noexcept {
  float* other = head + pairs;
  for (std::ptrdiff_t i = 0; i < pairs; ++i) {
    const float x = head[i];
    const float y = other[i];
    head[i] = x * cosine[i] - y * sine[i];
    other[i] = x * sine[i] + y * cosine[i];
  }
}

/// The bits of the largest |x| of 32: without their signs floats are ordered like integers, NaN above all.
template <class Isa>
[[gnu::always_inline]] inline std::int32_t largest_magnitude(const typename Isa::Floats (&x)[2]) noexcept {
  using Ints = typename Isa::Ints;
  const Ints magnitude = Ints::splat(0x7fffffff);
  std::int32_t bits[16];
  max(bits_as<Ints>(x[0]) & magnitude, bits_as<Ints>(x[1]) & magnitude).store(bits);
  std::int32_t largest = 0;
  for (const std::int32_t b : bits) largest = b > largest ? b : largest;
  return largest;
}

/// 32 floats to int8 in -127..127, to nearest-even. Returns the scale: max |x| / 127. `sums`: of q[0..15] and
/// q[16..31].
///
/// Where a value is not finite the scale is NaN, so that what is computed from the block is NaN as well. Below 1e-30,
/// where 127 / max might overflow, the block counts as zero.
template <class Isa>
float quantize_block(const float* in, std::int8_t* q, std::int16_t* sums) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  const Floats x[2] = {Floats::load(in), Floats::load(in + 16)};
  const std::int32_t largest = largest_magnitude<Isa>(x);
  const auto amax = __builtin_bit_cast(float, largest);

  if (largest >= 0x7f800000 || amax < 1e-30F) {
    std::memset(q, 0, kActivationBlock);
    sums[0] = sums[1] = 0;
    return largest >= 0x7f800000 ? __builtin_nanf("") : 0.0F;
  }
  const Floats inverse = Floats::splat(127.0F / amax);
  // Adding 1.5 * 2^23 leaves the nearest integer in the lowest bits of the sum.
  const Floats round = Floats::splat(0x1.8p23F);
  for (int half = 0; half < 2; ++half) {
    const Ints nearest = bits_as<Ints>(x[half] * inverse + round) - bits_as<Ints>(round);
    sums[half] = static_cast<std::int16_t>(Isa::store_i8(nearest, q + 16 * half));
  }
  return amax / 127.0F;
}

template <class Isa>
void quantize(const float* in, std::int64_t n, ActivationBlock* out, std::size_t stride) noexcept {
  static_assert(kActivationBlock == 32);
  for (std::int64_t i = 0; i < n; i += kActivationBlock, out += stride) {
    std::int16_t sums[2];
    out->scale = quantize_block<Isa>(in + i, out->q, sums);
    const std::int32_t sum = sums[0] + sums[1];
    out->scaled_sum = out->scale * static_cast<float>(sum);
    out->negative_sum = -sum;
    out->negative_first_sum = -sums[0];
  }
}

}  // namespace covey
