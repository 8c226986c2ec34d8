// Numbers between bounds, as decimal digits.
#pragma once

#include <cstdint>

#include "model/grammar/expression.hpp"

namespace covey::grammar {

/// Numbers without a bound have at most 15 digits, which every reader of JSON keeps; bounds have at most 18.
inline constexpr std::int64_t kMostUnbounded = 999'999'999'999'999;
inline constexpr std::int64_t kMostBound = 999'999'999'999'999'999;

/// The integers from `least` to `most`, both included; least <= most, neither beyond kMostBound.
Expression integers_between(std::int64_t least, std::int64_t most);

/// The same with those between them, written with a fraction of at most 15 digits.
Expression numbers_between(std::int64_t least, std::int64_t most);

}  // namespace covey::grammar
