// Activations and other functions of single values that are made of exp: see IsaTable for what each computes.
#pragma once

#include "kernels/cpu/elementwise.hpp"
#include "kernels/cpu/exp.hpp"
#include "kernels/cpu/norm.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

template <class Isa>
[[gnu::always_inline]] inline typename Isa::Floats silu_of(const typename Isa::Floats& x) noexcept {
  using Floats = typename Isa::Floats;
  return Isa::divide(x, Floats::splat(1.0F) + exp<Isa>(Floats::splat(0.0F) - x));
}

/// (1 + tanh u) / 2 = 1 / (1 + exp(-2u))
template <class Isa>
[[gnu::always_inline]] inline typename Isa::Floats gelu_of(const typename Isa::Floats& x) noexcept {
  using Floats = typename Isa::Floats;
  const Floats one = Floats::splat(1.0F);
  const Floats bend = Isa::fma(x * x, Floats::splat(0.044715F), one);
  const Floats slope = x * Floats::splat(-1.5957691216057308F);  // -2 sqrt(2 / pi)
  return Isa::divide(x, one + exp<Isa>(slope * bend));
}

/// tanh x = 1 - 2 / (1 + exp 2x), within 1.2e-7 of it.
template <class Isa>
[[gnu::always_inline]] inline typename Isa::Floats softcap_of(const typename Isa::Floats& x,
                                                              const typename Isa::Floats& cap) noexcept {
  using Floats = typename Isa::Floats;
  const Floats one = Floats::splat(1.0F);
  const Floats two = Floats::splat(2.0F);
  return cap * (one - Isa::divide(two, one + exp<Isa>(two * Isa::divide(x, cap))));
}

template <class Isa>
void silu_mul(const float* up, std::int64_t n, float* gate) noexcept {
  map_into<Isa>(up, n, gate, [](const auto& u, const auto& g) { return silu_of<Isa>(g) * u; });
}

template <class Isa>
void gelu_mul(const float* up, std::int64_t n, float* gate) noexcept {
  map_into<Isa>(up, n, gate, [](const auto& u, const auto& g) { return gelu_of<Isa>(g) * u; });
}

template <class Isa>
void silu(std::int64_t n, float* values) noexcept {
  fill_row<Isa>(n, values, [&](std::int64_t i) { return silu_of<Isa>(values_at<Isa>(values, i, n)); });
}

template <class Isa>
void gelu(std::int64_t n, float* values) noexcept {
  fill_row<Isa>(n, values, [&](std::int64_t i) { return gelu_of<Isa>(values_at<Isa>(values, i, n)); });
}

template <class Isa>
void softcap(float cap, std::int64_t n, float* values) noexcept {
  const auto caps = Isa::Floats::splat(cap);
  fill_row<Isa>(n, values, [&](std::int64_t i) { return softcap_of<Isa>(values_at<Isa>(values, i, n), caps); });
}

template <class Isa>
void softmax(std::int64_t n, float* values) noexcept {
  using Floats = typename Isa::Floats;
  float maximum = values[0];
  for (std::int64_t i = 1; i < n; ++i) maximum = values[i] > maximum ? values[i] : maximum;
  const Floats peak = Floats::splat(maximum);
  fill_row<Isa>(n, values, [&](std::int64_t i) { return exp<Isa>(values_at<Isa>(values, i, n) - peak); });
  Floats total = Floats::splat(0.0F);
  for (std::int64_t i = 0; i < n; i += 16) total = total + values_at<Isa>(values, i, n);
  const Floats sum = Floats::splat(Isa::sum(total));
  fill_row<Isa>(n, values, [&](std::int64_t i) { return Isa::divide(values_at<Isa>(values, i, n), sum); });
}

template <class Isa>
float exponential_sum(const float* values, std::int64_t n, float from) noexcept {
  using Floats = typename Isa::Floats;
  const Floats base = Floats::splat(from);
  Floats total = Floats::splat(0.0F);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) total = total + exp<Isa>(Floats::load(values + i) - base);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    float last[16];
    exp<Isa>(Floats::load_first(values + i, rest) - base).store(last);
    total = total + Floats::load_first(last, rest);
  }
  return Isa::sum(total);
}

}  // namespace covey
