// Loops over register tiles, unrolled where they are written.
#pragma once

#include <type_traits>
#include <utility>

namespace covey {

/// f(0), f(1) … f(N - 1), the argument a constant in type. An array indexed by it can live in registers; compilers
/// unroll a plain loop too late for that.
template <int N, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

}  // namespace covey
