// The part of operators.hpp that asks, rather than calculates.
#include <algorithm>

#include "covey/error.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/operators.hpp"

namespace covey::jinja {
namespace {

bool equal_lists(Runtime& runtime, const Value& left, const Value& right) {
  if (left.list_kind() != right.list_kind() || left.items().size() != right.items().size()) return false;
  for (std::size_t i = 0; i < left.items().size(); ++i) {
    if (!equals(runtime, left.items()[i], right.items()[i])) return false;
  }
  return true;
}

bool equal_dicts(Runtime& runtime, const Dict& left, const Dict& right) {
  if (left.size() != right.size()) return false;
  for (const Dict::Entry& entry : left.entries()) {
    runtime.look_up(entry.key);
    const Value* other = right.find_key(entry.key);
    if (!other || !equals(runtime, entry.value, *other)) return false;
  }
  return true;
}

template <class T>
int order_of(const T& left, const T& right) {
  return left < right ? -1 : static_cast<int>(right < left);
}

}  // namespace

bool equals(Runtime& runtime, const Value& left, const Value& right) {
  runtime.step();
  if (left.is_number() && right.is_number()) {
    if (left.is_integral() && right.is_integral()) return left.integer() == right.integer();
    return left.number() == right.number();
  }
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::string:
      runtime.work(std::min(left.text().size(), right.text().size()));
      return left.text() == right.text();
    case Kind::list:
      return &left.items() == &right.items() || equal_lists(runtime, left, right);
    case Kind::dict:
      return &left.dict() == &right.dict() || equal_dicts(runtime, left.dict(), right.dict());
    default:
      return left.same_as(right);
  }
}

int order(Runtime& runtime, const Value& left, const Value& right) {
  runtime.step();
  if (left.is(Kind::undefined)) throw Error(left.why());
  if (right.is(Kind::undefined)) throw Error(right.why());
  if (left.is_integral() && right.is_integral()) return order_of(left.integer(), right.integer());
  if (left.is_number() && right.is_number()) return order_of(left.number(), right.number());
  if (left.is(Kind::string) && right.is(Kind::string)) {
    runtime.work(std::min(left.text().size(), right.text().size()));
    return order_of(left.text(), right.text());  // bytes of UTF-8 order as the characters do
  }
  if (left.is(Kind::list) && right.is(Kind::list)) {
    const std::size_t both = std::min(left.items().size(), right.items().size());
    for (std::size_t i = 0; i < both; ++i) {
      if (!equals(runtime, left.items()[i], right.items()[i])) return order(runtime, left.items()[i], right.items()[i]);
    }
    return order_of(left.items().size(), right.items().size());
  }
  throw Error("values of type '" + std::string(left.type_name()) + "' and '" + std::string(right.type_name()) +
              "' have no order");
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::undefined:
      return false;
    case Kind::string:
      if (!item.is(Kind::string))
        throw Error("only a string can be in a string, not a value of type '" + std::string(item.type_name()) + "'");
      // A search may compare the whole item again and again.
      runtime.work(container.text().size() * (1 + item.text().size() / 64));
      return container.text().find(item.text()) != std::string::npos;
    case Kind::list:
      return std::any_of(container.items().begin(), container.items().end(),
                         [&](const Value& one) { return equals(runtime, one, item); });
    case Kind::dict:
      runtime.look_up(item);
      return container.dict().find_key(item) != nullptr;
    default:
      throw Error("nothing can be in a value of type '" + std::string(container.type_name()) + "'");
  }
}

bool compare(Runtime& runtime, CompareOp op, const Value& left, const Value& right) {
  // Not a number is neither before nor after anything.
  const auto ordered = [&](auto holds) {
    const bool unordered =
        left.is_number() && right.is_number() && (left.number() != left.number() || right.number() != right.number());
    return !unordered && holds(order(runtime, left, right));
  };
  switch (op) {
    case CompareOp::equal:
      return equals(runtime, left, right);
    case CompareOp::not_equal:
      return !equals(runtime, left, right);
    case CompareOp::less:
      return ordered([](int o) { return o < 0; });
    case CompareOp::less_equal:
      return ordered([](int o) { return o <= 0; });
    case CompareOp::greater:
      return ordered([](int o) { return o > 0; });
    case CompareOp::greater_equal:
      return ordered([](int o) { return o >= 0; });
    case CompareOp::in:
      return contains(runtime, right, left);
    case CompareOp::not_in:
      return !contains(runtime, right, left);
  }
  return false;
}

std::vector<Value> iterate(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return {};
    case Kind::list:
      runtime.take(value.items().size() * sizeof(Value));
      return value.items();
    case Kind::string: {
      runtime.take(value.text().size() * (sizeof(Value) + sizeof(std::string) + sizeof(std::string_view)));
      std::vector<Value> items;
      for (const std::string_view character : characters_of(value.text())) items.emplace_back(character);
      return items;
    }
    case Kind::dict: {
      runtime.take(value.dict().size() * sizeof(Value));
      std::vector<Value> keys;
      for (const Dict::Entry& entry : value.dict().entries()) keys.push_back(entry.key);
      return keys;
    }
    default:
      throw Error("a value of type '" + std::string(value.type_name()) + "' can't be looped over");
  }
}

}  // namespace covey::jinja
