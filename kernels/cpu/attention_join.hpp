// Joins what attention made of consecutive runs: the step of online softmax.
#pragma once

#include "kernels/cpu/exp.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/primitives.hpp"

namespace covey {

/// See JoinSums. Both sides are brought to the greater of their maxima, then added.
template <class Isa>
void join_sums(std::int32_t queries, std::int32_t head_dim, const AttendSums& run, const AttendSums& before) noexcept {
  using Floats = typename Isa::Floats;
  const std::ptrdiff_t run_stride = std::ptrdiff_t{head_dim + 15} / 16 * 16;
  for (std::ptrdiff_t first = 0; first < queries; first += 16) {
    const int n = queries - first < 16 ? static_cast<int>(queries - first) : 16;
    const Floats maximum[2] = {Floats::load_first(before.maximum + first, n),
                               Floats::load_first(run.maximum + first, n)};
    const Floats highest = max(maximum[0], maximum[1]);
    const Floats factor[2] = {exp<Isa>(maximum[0] - highest), exp<Isa>(maximum[1] - highest)};
    const Floats sum = Isa::fma(Floats::load_first(run.sum + first, n), factor[1],
                                Floats::load_first(before.sum + first, n) * factor[0]);
    highest.store_first(before.maximum + first, n);
    sum.store_first(before.sum + first, n);

    float factors[2][16];
    for (int side = 0; side < 2; ++side) factor[side].store(factors[side]);
    for (int i = 0; i < n; ++i) {
      const Floats old_factor = Floats::splat(factors[0][i]);
      const Floats new_factor = Floats::splat(factors[1][i]);
      const float* const from = run.weighted + (first + i) * run_stride;
      float* const into = before.weighted + (first + i) * head_dim;
      std::int32_t d = 0;
      for (; d + 16 <= head_dim; d += 16) {
        Isa::fma(Floats::load(from + d), new_factor, Floats::load(into + d) * old_factor).store(into + d);
      }
      if (d < head_dim) {
        const int rest = head_dim - d;
        Isa::fma(Floats::load(from + d), new_factor, Floats::load_first(into + d, rest) * old_factor)
            .store_first(into + d, rest);
      }
    }
  }
}

}  // namespace covey
