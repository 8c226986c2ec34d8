// JSON schemas as grammars: every text of the grammar is JSON that the schema allows. docs/grammar.md lists what is
// supported; what is not is refused, never ignored.
// Source: https://json-schema.org/draft/2020-12/json-schema-validation
#pragma once

#include <string>
#include <string_view>

#include "model/grammar/expression.hpp"

namespace covey::grammar {

/// Rules without a fault. Throws Error, with `name` standing for the text and the JSON pointer of what is wrong or not
/// supported.
Rules parse_json_schema(std::string_view text, const std::string& name);

}  // namespace covey::grammar
