// From tokens to the tree of a template.
#pragma once

#include <string_view>

#include "model/jinja/ast.hpp"

namespace covey::jinja {

/// Throws TemplateError.
Body parse_template(std::string_view source);

}  // namespace covey::jinja
