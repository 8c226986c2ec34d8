// Methods of lists and dictionaries.
#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/methods.hpp"
#include "model/jinja/operators.hpp"

namespace covey::jinja {
namespace methods {
namespace {

Value index_in(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("index", arguments, {"value"}, 1);
  for (std::size_t i = 0; i < self.items().size(); ++i) {
    if (equals(runtime, self.items()[i], given[0])) return i;
  }
  throw Error("the value isn't in the list");
}

Value count_in(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("count", arguments, {"value"}, 1);
  return std::count_if(self.items().begin(), self.items().end(),
                       [&](const Value& item) { return equals(runtime, item, given[0]); });
}

Value copy(Runtime&, const Value& self, const Arguments& arguments) {
  const BoundArguments given("copy", arguments, {});
  return self;  // nothing can change it
}

Value get(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Error("get takes its arguments by position");
  const BoundArguments given("get", arguments, {"key", "default"}, 1);
  runtime.look_up(given[0]);
  const Value* item = self.dict().find_key(given[0]);
  if (item) return *item;
  return arguments.positional.size() > 1 ? given[1] : Value(None{});
}

Value items(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("items", arguments, {});
  std::vector<Value> pairs;
  for (const Dict::Entry& entry : self.dict().entries())
    pairs.push_back(runtime.list({entry.key, entry.value}, ListKind::tuple));
  return runtime.list(std::move(pairs), ListKind::view);
}

Value keys(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("keys", arguments, {});
  return runtime.list(iterate(runtime, self), ListKind::view);
}

Value values(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("values", arguments, {});
  std::vector<Value> all;
  for (const Dict::Entry& entry : self.dict().entries()) all.push_back(entry.value);
  return runtime.list(std::move(all), ListKind::view);
}

constexpr std::array kListMethods = {Method{"index", index_in}, Method{"count", count_in}, Method{"copy", copy}};
constexpr std::array kDictMethods = {Method{"get", get}, Method{"items", items}, Method{"keys", keys},
                                     Method{"values", values}, Method{"copy", copy}};

constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear",  "extend",  "insert",
                                                          "pop",    "remove", "reverse", "sort"};
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault", "update"};

template <class List>
const Method* named(const List& methods, std::string_view name) {
  const auto at = std::find_if(methods.begin(), methods.end(), [name](const Method& m) { return m.name == name; });
  return at == methods.end() ? nullptr : &*at;
}

}  // namespace
}  // namespace methods

const Method* find_method(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::string:
      return find_string_method(name);
    case Kind::list:
      return methods::named(methods::kListMethods, name);
    case Kind::dict:
      return methods::named(methods::kDictMethods, name);
    default:
      return nullptr;
  }
}

bool changes_its_object(const Value& value, std::string_view name) {
  const auto in = [name](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
  return value.is(Kind::list) ? in(methods::kListChanges) : value.is(Kind::dict) && in(methods::kDictChanges);
}

}  // namespace covey::jinja
