#include "model/jinja/dict.hpp"
#include "model/jinja/json.hpp"
#include "third_party_free_formats/json_value.hpp"

namespace covey::jinja {
namespace {

Value value_of(const JsonValue& json) {
  if (const std::string* const text = json.string()) return *text;
  if (const auto truth = json.boolean()) return *truth;
  if (const auto whole = json.integer()) return *whole;
  if (const auto real = json.number()) return *real;
  if (const JsonValue::Array* const array = json.array()) {
    std::vector<Value> items;
    items.reserve(array->size());
    for (const JsonValue& item : *array) items.push_back(value_of(item));
    return items;
  }
  if (const JsonValue::Object* const object = json.object()) {
    Dict dict;
    for (const JsonMember& member : *object) dict.set(Value(member.name), value_of(member.value));
    return dict;
  }
  return None{};
}

}  // namespace

Value parse_json(std::string_view text, const std::string& name) { return value_of(parse_json_text(text, name)); }

}  // namespace covey::jinja
