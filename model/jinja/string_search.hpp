// Methods of strings that look for another string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/object.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

Value split(Runtime& runtime, const Value& self, const Arguments& arguments);
Value rsplit(Runtime& runtime, const Value& self, const Arguments& arguments);
Value splitlines(Runtime& runtime, const Value& self, const Arguments& arguments);
Value partition(Runtime& runtime, const Value& self, const Arguments& arguments);
Value rpartition(Runtime& runtime, const Value& self, const Arguments& arguments);
Value startswith(Runtime& runtime, const Value& self, const Arguments& arguments);
Value endswith(Runtime& runtime, const Value& self, const Arguments& arguments);
Value find(Runtime& runtime, const Value& self, const Arguments& arguments);
Value rfind(Runtime& runtime, const Value& self, const Arguments& arguments);
Value index(Runtime& runtime, const Value& self, const Arguments& arguments);
Value rindex(Runtime& runtime, const Value& self, const Arguments& arguments);
Value count(Runtime& runtime, const Value& self, const Arguments& arguments);

/// Without, or with, the ends of lines; an end at the very end begins no further line.
std::vector<std::string_view> lines_of(std::string_view text, bool keep_ends);

/// The first `count` occurrences of `old` become `now`; all of them if `count` is negative.
std::string replaced(Runtime& runtime, std::string_view text, std::string_view old, std::string_view now,
                     std::int64_t count);

}  // namespace covey::jinja
