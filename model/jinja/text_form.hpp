// Values as text, the way Python's str() and repr() write them.
#pragma once

#include <string>
#include <string_view>

#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// The shortest digits that read back as the same number: "1.0", "1e-05", "inf".
std::string float_text(double number);

/// As {{ value }} prints it.
std::string to_text(Runtime& runtime, const Value& value);
/// As it is printed inside a list: strings in quotes.
std::string to_repr(Runtime& runtime, const Value& value);

}  // namespace covey::jinja
