// Regular expressions of JSON schemas ("pattern"), as what they match inside a JSON string.
#pragma once

#include <string>
#include <string_view>

#include "model/grammar/expression.hpp"
#include "model/grammar/schema_source.hpp"

namespace covey::grammar {

/// Strings that contain a match of `pattern`: a subset of ECMA-262. Throws Error if something is
/// wrong or not supported; `path` is where `source` has the pattern.
Expression pattern_strings(std::string_view pattern, const SchemaSource& source, const std::string& path);

}  // namespace covey::grammar
