// Regular expressions of JSON schemas ("pattern"), as what they match inside a JSON string.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "model/grammar/expression.hpp"

namespace covey::grammar {

/// Strings that contain a match of `pattern`: a subset of ECMA-262. Calls `fail`, which must throw, with what is wrong
/// or not supported.
Expression pattern_strings(std::string_view pattern, const std::function<void(const std::string&)>& fail);

}  // namespace covey::grammar
