// A number, or a text, with the sign, precision and width that a format asks for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

struct FieldFormat {
  char type = 0;  ///< s, r, d, i, u, x, X, o, b, c, f, F, e, E, g, G, %; 0: as the value is printed
  std::string fill = " ";
  char align = 0;  ///< <, >, ^, =; 0: numbers to the right in braces, everything after %
  char sign = '-';
  bool alternate = false;  ///< 0x, 0o before the digits
  bool grouped = false;    ///< thousands apart by commas
  std::size_t width = 0;
  int precision = -1;  ///< -1: not given
};

/// Throws Error if `value` can't be written as `format.type`, or width or precision are out of all reason.
std::string formatted(Runtime& runtime, const Value& value, const FieldFormat& format);

/// The decimal number that `text` begins with, taken off it; 0 if there is none. Throws Error past 9 digits.
std::size_t take_number(std::string_view& text);

}  // namespace covey::jinja
