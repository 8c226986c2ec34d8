// What filters compare items by: an attribute of each, letters of either case alike.
#pragma once

#include <string>
#include <vector>

#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// `path` is an attribute's name, several joined by dots, or an index; undefined or none stand for the item itself.
/// What is not there is `otherwise`, if that is given.
Value attribute_by_path(Runtime& runtime, const Value& item, const Value& path, const Value& otherwise = {});

/// A text without regard to case, unless `case_sensitive`; any other value as it is.
Value folded(Runtime& runtime, const Value& value, bool case_sensitive);

}  // namespace covey::jinja
