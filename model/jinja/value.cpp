#include "model/jinja/value.hpp"

#include <algorithm>

#include "covey/error.hpp"
#include "model/jinja/dict.hpp"
#include "model/jinja/object.hpp"

namespace covey::jinja {
namespace {

int checked_depth(int depth) {
  if (depth > kMaxValueDepth)
    throw Error("lists and dictionaries nest deeper than " + std::to_string(kMaxValueDepth) + " levels");
  return depth;
}

}  // namespace

Value::Value(std::vector<Value> items, ListKind kind) {
  int depth = 1;
  for (const Value& item : items) depth = std::max(depth, item.depth() + 1);
  data_ = std::make_shared<const List>(List{std::move(items), kind, checked_depth(depth)});
}

Value::Value(Dict dict) {
  checked_depth(dict.depth());
  data_ = std::make_shared<const Dict>(std::move(dict));
}

Value Value::undefined(std::string why) {
  Value value;
  value.data_ = Undefined{std::make_shared<const std::string>(std::move(why))};
  return value;
}

std::string Value::why() const {
  const auto& why = std::get<Undefined>(data_).why;
  return why ? *why : "the value is undefined";
}

bool Value::truthy() const {
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return integer() != 0;
    case Kind::real:
      return number() != 0;
    case Kind::string:
      return !text().empty();
    case Kind::list:
      return !items().empty();
    case Kind::dict:
      return dict().size() != 0;
    case Kind::object:
      return true;
  }
  return false;
}

int Value::depth() const {
  if (is(Kind::list)) return std::get<std::shared_ptr<const List>>(data_)->depth;
  if (is(Kind::dict)) return dict().depth();
  if (is(Kind::object)) return object().depth();
  return 0;
}

std::string_view Value::type_name() const {
  switch (kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return "str";
    case Kind::list:
      switch (list_kind()) {
        case ListKind::list:
          return "list";
        case ListKind::tuple:
        case ListKind::group:
          return "tuple";
        case ListKind::range:
          return "range";
        case ListKind::view:
          return "generator";
      }
      return "list";
    case Kind::dict:
      return "dict";
    case Kind::object:
      return object().type_name();
  }
  return "";
}

bool Value::same_as(const Value& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::boolean:
    case Kind::integer:
      return integer() == other.integer();
    case Kind::real:
      return number() == other.number();
    case Kind::string:
      return text() == other.text();
    case Kind::list:
      return &items() == &other.items();
    case Kind::dict:
      return &dict() == &other.dict();
    case Kind::object:
      return &object() == &other.object();
  }
  return false;
}

}  // namespace covey::jinja
