// Attributes, items and slices of values.
#pragma once

#include <string_view>

#include "model/jinja/object.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// `value.name`: a method or attribute, else the item of that key, else undefined. Throws Error if `value` is
/// undefined.
Value attribute_of(Runtime& runtime, const Value& value, std::string_view name);
/// `value[index]`: the item, else for a string the attribute, else undefined. Throws Error if `value` is undefined.
Value item_of(Runtime& runtime, const Value& value, const Value& index);
/// `value[begin:end:step]`; none or undefined stand for a bound that is not given.
Value slice_of(Runtime& runtime, const Value& value, const Value& begin, const Value& end, const Value& step);
/// Calls a function, method or macro. Throws Error if `callee` is none.
Value call_value(Runtime& runtime, const Value& callee, const Arguments& arguments);
/// Items, characters or entries; 0 for undefined. Throws Error for other types.
std::int64_t length_of(Runtime& runtime, const Value& value);

}  // namespace covey::jinja
