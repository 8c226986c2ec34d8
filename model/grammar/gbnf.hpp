// Grammar texts: GBNF, the notation of llama.cpp.
// Source: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
#pragma once

#include <string>
#include <string_view>

#include "model/grammar/expression.hpp"

namespace covey::grammar {

/// Rules without a fault; the root is the rule called "root". Throws Error with line and column, `name` standing for
/// the text.
Rules parse_gbnf(std::string_view text, const std::string& name);

}  // namespace covey::grammar
