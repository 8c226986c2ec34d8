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

/// The bits of the largest |x| of n, a multiple of 32: without their signs floats are ordered like integers, NaN above
/// all.
template <class Isa>
[[gnu::always_inline]] inline std::int32_t largest_magnitude(const float* x, int n) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  const Ints magnitude = Ints::splat(0x7fffffff);
  const auto of_16 = [&](const float* at) __attribute__((always_inline)) {
    return bits_as<Ints>(Floats::load(at)) & magnitude;
  };
  Ints all = max(of_16(x), of_16(x + 16));
  for (int i = 32; i < n; i += 32) all = max(all, max(of_16(x + i), of_16(x + i + 16)));
  return Isa::greatest(all);
}

/// Of a block's largest magnitude. Where a value is not finite the scale is NaN, so that what is computed from the
/// block is NaN as well. Below 1e-30, where 127 / max might overflow, the block counts as zero.
[[gnu::always_inline]] inline bool has_no_scale(std::int32_t largest) noexcept {
  return largest >= 0x7f800000 || __builtin_bit_cast(float, largest) < 1e-30F;
}
[[gnu::always_inline]] inline float instead_of_scale(std::int32_t largest) noexcept {
  return largest >= 0x7f800000 ? __builtin_nanf("") : 0.0F;
}

/// 16 floats times `inverse`, to nearest-even, to int8. Returns their sum.
template <class Isa>
[[gnu::always_inline]] inline std::int32_t round_16(const float* in, const typename Isa::Floats& inverse,
                                                    std::int8_t* q) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  // Adding 1.5 * 2^23 leaves the nearest integer in the lowest bits of the sum.
  const Floats round = Floats::splat(0x1.8p23F);
  return Isa::store_i8(bits_as<Ints>(Floats::load(in) * inverse + round) - bits_as<Ints>(round), q);
}

/// N floats, a multiple of 32, to int8 in -127..127. Returns the scale: max |x| / 127. `sums`: of each 16 of q.
template <class Isa, int N>
[[gnu::always_inline]] inline float quantize_block(const float* in, std::int8_t* q, std::int16_t* sums) noexcept {
  const std::int32_t largest = largest_magnitude<Isa>(in, N);
  if (has_no_scale(largest)) {
    std::memset(q, 0, N);
    std::memset(sums, 0, N / 16 * sizeof(*sums));
    return instead_of_scale(largest);
  }
  const auto most = __builtin_bit_cast(float, largest);
  const auto inverse = Isa::Floats::splat(127.0F / most);
  for (std::ptrdiff_t i = 0; i < N / 16; ++i) {
    sums[i] = static_cast<std::int16_t>(round_16<Isa>(in + 16 * i, inverse, q + 16 * i));
  }
  return most / 127.0F;
}

/// What quantize_block<Isa, 32> does. A block alone would wait for its maximum, for its scale and for its sum, so 16
/// take each of these steps together.
template <class Isa>
void quantize(const float* in, std::int64_t n, ActivationBlock* out, std::size_t stride) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  constexpr std::int64_t kTogether = 16;
  for (std::int64_t i = 0; i < n; i += kTogether * kActivationBlock) {
    const std::int64_t left = (n - i) / kActivationBlock;
    const std::int64_t blocks = left < kTogether ? left : kTogether;
    const float* const from = in + i;
    std::int32_t largest[kTogether];
    for (std::int64_t b = 0; b < kTogether; ++b) {
      largest[b] = b < blocks ? largest_magnitude<Isa>(from + b * kActivationBlock, kActivationBlock) : 0;
    }
    const Floats most = bits_as<Floats>(Ints::load(largest));
    float inverse[kTogether], scale[kTogether], scaled_sum[kTogether];
    Isa::divide(Floats::splat(127.0F), most).store(inverse);
    Isa::divide(most, Floats::splat(127.0F)).store(scale);
    std::int32_t sum[kTogether] = {};
    for (std::int64_t b = 0; b < blocks; ++b) {
      std::int8_t* const q = out[static_cast<std::size_t>(b) * stride].q;
      if (has_no_scale(largest[b])) {
        std::memset(q, 0, kActivationBlock);
        scale[b] = instead_of_scale(largest[b]);
        continue;
      }
      const float* const at = from + b * kActivationBlock;
      const Floats factor = Floats::splat(inverse[b]);
      sum[b] = round_16<Isa>(at, factor, q) + round_16<Isa>(at + 16, factor, q + 16);
    }
    (Floats::load(scale) * floats_of<Floats>(Ints::load(sum))).store(scaled_sum);
    for (std::int64_t b = 0; b < blocks; ++b, out += stride) {
      out->scale = scale[b];
      out->scaled_sum = scaled_sum[b];
      out->negative_sum = -sum[b];
      out->unused = 0;
    }
  }
}

template <class Isa>
void quantize_wide(const float* in, std::int64_t n, WideActivationBlock* out, std::size_t stride) noexcept {
  for (std::int64_t i = 0; i < n; i += kWideActivationBlock, out += stride) {
    out->scale = quantize_block<Isa, kWideActivationBlock>(in + i, out->q, out->half_sums);
    for (std::ptrdiff_t p = 0; p < WideActivationBlock::kPieces; ++p) {
      const std::int16_t* const halves = out->half_sums + 2 * p;
      out->sums[p] = static_cast<std::int16_t>(halves[0] + halves[1]);
      out->negative_sums[p] = -out->sums[p];
      out->negative_first_sums[p] = -halves[0];
    }
    for (float& unused : out->unused) unused = 0;
  }
}

}  // namespace covey
