// Filters: {{ value | name(arguments) }}.
// Source: https://jinja.palletsprojects.com/en/stable/templates/#list-of-builtin-filters
#pragma once

#include <span>
#include <string_view>

#include "model/jinja/object.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

struct Filter {
  std::string_view name;
  Value (*apply)(Runtime& runtime, const Value& input, const Arguments& arguments);
};

/// nullptr if there is none of that name.
const Filter* find_filter(std::string_view name);

// The list's parts.
std::span<const Filter> text_filters();
std::span<const Filter> list_filters();
std::span<const Filter> choosing_filters();
std::span<const Filter> value_filters();

}  // namespace covey::jinja
