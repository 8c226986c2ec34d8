// JSON as files beside a model hold it: settings, vocabularies, the headers of safetensors.
// Source: RFC 8259.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace covey {

struct JsonMember;

/// One value. Whole numbers that fit in 64 signed bits are integers, all others floating.
class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;  ///< in the text's order; a name may come twice

  JsonValue() = default;  ///< null
  template <class T>
  explicit JsonValue(T value) : value_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }

  // nullptr / nullopt for a value of another type.
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;

  /// The member of this name, the last if there are several; nullptr if there is none, it is null, or this is no
  /// object. Takes time linear in the object's size.
  const JsonValue* find(std::string_view name) const;
  /// find(), and the text of what it finds; nullptr if that is no string.
  const std::string* find_string(std::string_view name) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

/// Parses a text that holds one value and nothing else. Throws Error starting with `name`, and naming the byte, for
/// what is no JSON or nests deeper than 64 values. Memory is bounded by a multiple of the text's bytes.
JsonValue parse_json_text(std::string_view text, const std::string& name);

}  // namespace covey
