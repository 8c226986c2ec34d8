// Norms of one row: see IsaTable for what each computes.
#pragma once

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

/// 16 of n values from i on, zeros behind the last.
template <class Isa>
[[gnu::always_inline]] inline typename Isa::Floats values_at(const float* in, std::int64_t i, std::int64_t n) noexcept {
  using Floats = typename Isa::Floats;
  return i + 16 <= n ? Floats::load(in + i) : Floats::load_first(in + i, static_cast<int>(n - i));
}

/// out[i] = f(i) for n values, 16 at a time.
template <class Isa, class F>
void fill_row(std::int64_t n, float* out, F f) noexcept {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) f(i).store(out + i);
  if (i < n) f(i).store_first(out + i, static_cast<int>(n - i));
}

/// Summed in 32 lanes: 16 even and 16 odd groups.
template <class Isa>
float sum_squares(const float* in, std::int64_t n) noexcept {
  using Floats = typename Isa::Floats;
  Floats sums[2] = {Floats::splat(0.0F), Floats::splat(0.0F)};
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const Floats x = Floats::load(in + i);
    const Floats y = Floats::load(in + i + 16);
    sums[0] = Isa::fma(x, x, sums[0]);
    sums[1] = Isa::fma(y, y, sums[1]);
  }
  for (; i < n; i += 16) {
    const Floats x = values_at<Isa>(in, i, n);
    sums[0] = Isa::fma(x, x, sums[0]);
  }
  return Isa::sum(sums[0] + sums[1]);
}

template <class Isa>
void scale_by(float factor, const float* weight, std::int64_t n, float* values) noexcept {
  const auto factors = Isa::Floats::splat(factor);
  fill_row<Isa>(n, values,
                [&](std::int64_t i) { return values_at<Isa>(values, i, n) * factors * values_at<Isa>(weight, i, n); });
}

template <class Isa>
void rms_norm(const float* in, const float* weight, float epsilon, std::int64_t n, float* out) noexcept {
  const float mean = sum_squares<Isa>(in, n) / static_cast<float>(n);
  const auto inverse = Isa::Floats::splat(1.0F / __builtin_sqrtf(mean + epsilon));
  fill_row<Isa>(n, out,
                [&](std::int64_t i) { return values_at<Isa>(in, i, n) * inverse * values_at<Isa>(weight, i, n); });
}

/// The variance is of differences from the mean, found first: of squares alone nothing would be left where the mean is
/// large.
template <class Isa>
void layer_norm(const float* in, const float* weight, const float* bias, float epsilon, std::int64_t n,
                float* out) noexcept {
  using Floats = typename Isa::Floats;
  Floats total = Floats::splat(0.0F);
  for (std::int64_t i = 0; i < n; i += 16) total = total + values_at<Isa>(in, i, n);
  const Floats mean = Floats::splat(Isa::sum(total) / static_cast<float>(n));
  Floats squares = Floats::splat(0.0F);
  for (std::int64_t i = 0; i < n; i += 16) {
    Floats x = values_at<Isa>(in, i, n) - mean;
    if (i + 16 > n) {
      float rest[16];
      x.store(rest);
      x = Floats::load_first(rest, static_cast<int>(n - i));
    }
    squares = Isa::fma(x, x, squares);
  }
  const float variance = Isa::sum(squares) / static_cast<float>(n);
  const Floats inverse = Floats::splat(1.0F / __builtin_sqrtf(variance + epsilon));
  fill_row<Isa>(n, out, [&](std::int64_t i) {
    const Floats x = (values_at<Isa>(in, i, n) - mean) * inverse * values_at<Isa>(weight, i, n);
    return bias == nullptr ? x : x + values_at<Isa>(bias, i, n);
  });
}

}  // namespace covey
