// exp of 16 lanes, the same bits with every instruction set.
#pragma once

#include <cstdint>

#include "kernels/cpu/lanes.hpp"

namespace covey {

/// Within 2 units in the last place; 0 below -87 (no subnormals), infinity above 88.73, NaN for NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, so exp x = 2^n exp r.
template <class Isa>
typename Isa::Floats exp(const typename Isa::Floats& x) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  // min and max return their second argument where it is NaN.
  const Floats clamped = min(Floats::splat(89.0F), max(Floats::splat(-87.3F), x));

  // Adding 1.5 * 2^23 leaves the nearest integer in the lowest bits of the sum.
  const Floats round = Floats::splat(0x1.8p23F);
  const Floats shifted = Isa::fma(clamped, Floats::splat(0x1.715476p0F), round);
  const Floats n = shifted - round;
  // ln 2 in two parts: n times the first is exact.
  Floats r = Isa::fma(n, Floats::splat(-0x1.62e4p-1F), clamped);
  r = Isa::fma(n, Floats::splat(-0x1.7f7d1cp-20F), r);

  // Taylor's series to r^7: what follows is below 6e-9.
  Floats p = Floats::splat(1.0F / 5040.0F);
  p = Isa::fma(p, r, Floats::splat(1.0F / 720.0F));
  p = Isa::fma(p, r, Floats::splat(1.0F / 120.0F));
  p = Isa::fma(p, r, Floats::splat(1.0F / 24.0F));
  p = Isa::fma(p, r, Floats::splat(1.0F / 6.0F));
  p = Isa::fma(p, r, Floats::splat(0.5F));
  p = Isa::fma(p, r, Floats::splat(1.0F));
  p = Isa::fma(p, r, Floats::splat(1.0F));

  // 2^(n-1) has exponent bits n + 126, from 0 (which makes zero: n = -126) to 254; the missing factor 2 goes to p, so
  // that n = 128 need not be represented.
  const Ints exponent = bits_as<Ints>(shifted) - bits_as<Ints>(round) + Ints::splat(126);
  return (p + p) * bits_as<Floats>(exponent << 23);
}

/// exp r for |r| <= ln 2 / 2, relatively within 7.5e-8: the minimax polynomial.
template <class Isa>
[[gnu::always_inline]] inline typename Isa::Floats exp_of_rest(const typename Isa::Floats& r) noexcept {
  using Floats = typename Isa::Floats;
  Floats p = Floats::splat(0x1.0fe5b8p-7F);
  p = Isa::fma(p, r, Floats::splat(0x1.575f08p-5F));
  p = Isa::fma(p, r, Floats::splat(0x1.555a18p-3F));
  p = Isa::fma(p, r, Floats::splat(0x1.fffd1ap-2F));
  p = Isa::fma(p, r, Floats::splat(0x1.fffff6p-1F));
  return Isa::fma(p, r, Floats::splat(0x1.000002p0F));
}

/// exp of what is at most 0, or a rounding above it: relatively within 3e-7 down to -30, 5e-7 further down, in half of
/// the operations; 0 below -87.7, NaN for NaN.
template <class Isa>
[[gnu::always_inline]] inline typename Isa::Floats exp_of_negative(const typename Isa::Floats& x) noexcept {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  // As above; 127 more, so that the lowest bits are 2^n's exponent: 0, which makes zero, for n = -127.
  const Floats round = Floats::splat(0x1.8p23F + 127.0F);
  const Floats clamped = max(Floats::splat(-88.0F), x);
  const Floats shifted = Isa::fma(clamped, Floats::splat(0x1.715476p0F), round);
  const Floats r = Isa::fma(shifted - round, Floats::splat(-0x1.62e43p-1F), clamped);
  return exp_of_rest<Isa>(r) * bits_as<Floats>(bits_as<Ints>(shifted) << 23);
}

}  // namespace covey
