// Sums in double precision that results are compared with. Tests are not optimised, and most of their time would pass
// in these: so they are plain loops over pointers.
#pragma once

#include <cstddef>
#include <span>

namespace covey {

/// Sum of a[i] * b[i], of float or double.
template <typename A, typename B>
double exact_dot(const A* a, const B* b, std::ptrdiff_t n) {
  double sum = 0.0;
  for (const A* const end = a + n; a != end;) sum += double{*a++} * double{*b++};
  return sum;
}

/// sums[i] += factor * values[i]
inline void add_scaled(double factor, const float* values, std::span<double> sums) {
  double* sum = sums.data();
  for (const float* const end = values + sums.size(); values != end;) *sum++ += factor * double{*values++};
}

}  // namespace covey
