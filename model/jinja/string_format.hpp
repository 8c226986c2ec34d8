// Python's two ways to fill values into a string.
#pragma once

#include <string>
#include <string_view>

#include "model/jinja/object.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// "%s has %d" % values: `values` is a tuple, a dictionary (for %(name)s), or the one value. Conversions s, r, d, i, x,
/// X, o, f, F, e, E, g, G, c, %; flags, width and precision. Throws Error if format and values don't fit.
std::string percent_format(Runtime& runtime, std::string_view format, const Value& values);

/// "{} has {name:>8}".format(…): positions, names, attributes, keys, conversions !s and !r, fill, alignment, width,
/// precision, types s, d, x, X, f, e, g. Throws Error if format and values don't fit.
std::string brace_format(Runtime& runtime, std::string_view format, const Arguments& arguments);

}  // namespace covey::jinja
