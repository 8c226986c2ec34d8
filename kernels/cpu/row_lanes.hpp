// Which product a lane works on when lanes are the 16 rows of a panel, and all belong to one token.
#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/cpu/lanes.hpp"

namespace covey {

/// Models TileLanes of kernels/cpu/primitives.hpp.
template <class Isa>
struct RowLanes {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  static constexpr int kTokens = 1;

  [[gnu::always_inline]] static Floats of_rows(const Floats& rows) { return rows; }
  [[gnu::always_inline]] static Ints of_rows(const Ints& rows) { return rows; }
  [[gnu::always_inline]] static Floats to_floats(const Ints& lanes) { return floats_of<Floats>(lanes); }
  [[gnu::always_inline]] static Floats of_float(const std::byte* at, std::ptrdiff_t) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return Floats::splat(value);
  }
  [[gnu::always_inline]] static void to_rows(const Floats& lanes, Floats (&tokens)[1]) { tokens[0] = lanes; }
  [[gnu::always_inline]] static Floats from_rows(const Floats (&tokens)[1]) { return tokens[0]; }
};

}  // namespace covey
