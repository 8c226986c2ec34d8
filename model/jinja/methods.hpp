// Methods of strings, lists and dictionaries.
#pragma once

#include <string_view>

#include "model/jinja/object.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

struct Method {
  std::string_view name;
  Value (*function)(Runtime& runtime, const Value& self, const Arguments& arguments);
};

/// nullptr if `value` has no such method.
const Method* find_method(const Value& value, std::string_view name);
const Method* find_string_method(std::string_view name);

/// Whether Python's method of that name changes the list or dictionary, which the sandbox forbids.
bool changes_its_object(const Value& value, std::string_view name);

}  // namespace covey::jinja
