// Python's operators on values.
#pragma once

#include <cstdint>

#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

enum class BinaryOp : std::uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class CompareOp : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

// All throw Error for types that the operator isn't made for.
Value calculate(Runtime& runtime, BinaryOp op, const Value& left, const Value& right);
Value negated(const Value& value);
bool compare(Runtime& runtime, CompareOp op, const Value& left, const Value& right);

bool equals(Runtime& runtime, const Value& left, const Value& right);
/// Negative, 0, positive: `left` before, equal to, after `right`.
int order(Runtime& runtime, const Value& left, const Value& right);
/// `item in container`.
bool contains(Runtime& runtime, const Value& container, const Value& item);

/// What a loop over `value` gives: items, characters, keys; nothing for undefined. Throws Error for other types.
std::vector<Value> iterate(Runtime& runtime, const Value& value);

}  // namespace covey::jinja
