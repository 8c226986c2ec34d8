#include "third_party_free_formats/json_value.hpp"

#include <algorithm>

namespace covey {

std::optional<bool> JsonValue::boolean() const {
  const bool* const value = std::get_if<bool>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::int64_t> JsonValue::integer() const {
  const std::int64_t* const value = std::get_if<std::int64_t>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<double> JsonValue::number() const {
  if (const auto whole = integer()) return static_cast<double>(*whole);
  const double* const value = std::get_if<double>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const JsonValue* JsonValue::find(std::string_view name) const {
  const Object* const members = object();
  if (members == nullptr) return nullptr;
  const auto found = std::find_if(members->rbegin(), members->rend(),
                                  [name](const JsonMember& member) { return member.name == name; });
  return found == members->rend() || found->value.is_null() ? nullptr : &found->value;
}

const std::string* JsonValue::find_string(std::string_view name) const {
  const JsonValue* const value = find(name);
  return value == nullptr ? nullptr : value->string();
}

}  // namespace covey
