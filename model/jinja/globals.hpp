// Functions that every template can call: range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
#pragma once

#include "model/jinja/scope.hpp"

namespace covey::jinja {

void define_globals(Scope& scope);

}  // namespace covey::jinja
