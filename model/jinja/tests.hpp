// Tests: {{ value is name(arguments) }}.
// Source: https://jinja.palletsprojects.com/en/stable/templates/#list-of-builtin-tests
#pragma once

#include <string_view>

#include "model/jinja/object.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

struct Test {
  std::string_view name;
  bool (*holds)(Runtime& runtime, const Value& input, const Arguments& arguments);
};

/// nullptr if there is none of that name.
const Test* find_test(std::string_view name);

}  // namespace covey::jinja
