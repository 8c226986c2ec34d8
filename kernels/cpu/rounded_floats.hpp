// Floats in fewer bits and back, as they travel between ranks: see IsaTable for what each function does. The same bits
// with every instruction set.
#pragma once

#include <cstring>

#include "kernels/cpu/elementwise.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/half.hpp"

namespace covey {

inline constexpr float kLargestF16 = 65504.0F;

template <class Isa>
void to_f16(const float* in, std::int64_t n, std::byte* out) noexcept {
  using Floats = typename Isa::Floats;
  for (std::int64_t i = 0; i < n; i += 16) {
    // min and max return their second argument where it is NaN.
    const Floats fits = min(Floats::splat(kLargestF16), max(Floats::splat(-kLargestF16), values_at<Isa>(in, i, n)));
    std::byte halves[32];
    Isa::store_f16(fits, halves);
    std::memcpy(out + 2 * i, halves, 2 * static_cast<std::size_t>(n - i < 16 ? n - i : 16));
  }
}

template <class Isa>
void from_f16(const std::byte* in, std::int64_t n, float* out) noexcept {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) Isa::load_f16(in + 2 * i).store(out + i);
  if (i == n) return;
  std::byte halves[32] = {};
  std::memcpy(halves, in + 2 * i, 2 * static_cast<std::size_t>(n - i));
  Isa::load_f16(halves).store_first(out + i, static_cast<int>(n - i));
}

template <class Isa>
void to_q8(float* values, float* lost, std::int64_t n, std::byte* out) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  const Floats round = Floats::splat(0x1.8p23F);
  for (std::int64_t i = 0; i < n; i += 32, out += 34) {
    const Floats x[2] = {Floats::load(values + i), Floats::load(values + i + 16)};
    const auto largest = __builtin_bit_cast(float, largest_magnitude<Isa>(values + i, 32));
    const bool usable = largest <= kLargestF16 * 127.0F;
    store_u16(f32_to_fp16(usable ? largest / 127.0F : __builtin_nanf("")), out);
    const float scale = fp16_to_f32(load_u16(out));
    const Floats scales = Floats::splat(scale);
    const Floats inverse = Floats::splat(usable && scale > 0 ? 1.0F / scale : 0.0F);
    for (int half = 0; half < 2; ++half) {
      // The scale is rounded too: the largest value may come out just beyond 127 of it. And 0 * NaN is NaN.
      const Floats scaled =
          usable ? min(Floats::splat(127.0F), max(Floats::splat(-127.0F), x[half] * inverse)) : Floats::splat(0.0F);
      // Adding 1.5 * 2^23 leaves the nearest integer in the lowest bits of the sum.
      const Floats shifted = scaled + round;
      Isa::store_i8(bits_as<Ints>(shifted) - bits_as<Ints>(round), reinterpret_cast<std::int8_t*>(out) + 2 + 16 * half);
      const Floats read = (shifted - round) * scales;
      const std::int64_t at = i + 16 * half;
      read.store(values + at);
      if (lost != nullptr) (Floats::load(lost + at) + (x[half] - read)).store(lost + at);
    }
  }
}

template <class Isa>
void from_q8(const std::byte* in, std::int64_t n, float* out) noexcept {
  using Floats = typename Isa::Floats;
  for (std::int64_t i = 0; i < n; i += 32, in += 34) {
    const Floats scale = Floats::splat(Isa::f16_at(in));
    (floats_of<Floats>(Isa::load_i8(in + 2)) * scale).store(out + i);
    (floats_of<Floats>(Isa::load_i8(in + 18)) * scale).store(out + i + 16);
  }
}

}  // namespace covey
