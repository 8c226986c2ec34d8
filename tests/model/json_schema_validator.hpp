// Whether JSON is of a schema, judged independently of grammars, for the keywords that made_schema.hpp writes.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

namespace covey::grammar {

class SchemaValidator {
 public:
  using Json = nlohmann::json;
  explicit SchemaValidator(const Json& root) : root_(root) {}

  bool valid(const Json& value, const Json& schema) const {
    if (schema.is_boolean()) return schema.get<bool>();
    return valid_references(value, schema) && valid_type(value, schema) && valid_literal(value, schema) &&
           valid_combination(value, schema) && (!value.is_object() || valid_object(value, schema)) &&
           (!value.is_array() || valid_array(value, schema)) && (!value.is_string() || valid_string(value, schema)) &&
           (!value.is_number() || valid_number(value, schema));
  }

 private:
  bool valid_references(const Json& value, const Json& schema) const {
    if (!schema.contains("$ref")) return true;
    return valid(value, root_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))));
  }

  static bool is_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
  }

  static bool valid_type(const Json& value, const Json& schema) {
    if (!schema.contains("type")) return true;
    if (schema["type"].is_string()) return is_type(value, schema["type"]);
    for (const auto& type : schema["type"]) {
      if (is_type(value, type)) return true;
    }
    return false;
  }

  static bool valid_literal(const Json& value, const Json& schema) {
    if (schema.contains("const") && schema["const"] != value) return false;
    if (!schema.contains("enum")) return true;
    for (const auto& each : schema["enum"]) {
      if (each == value) return true;
    }
    return false;
  }

  bool valid_combination(const Json& value, const Json& schema) const {
    const auto count = [&](const char* keyword) {
      std::size_t valid_ones = 0;
      for (const auto& part : schema[keyword]) valid_ones += valid(value, part);
      return valid_ones;
    };
    return (!schema.contains("anyOf") || count("anyOf") >= 1) && (!schema.contains("oneOf") || count("oneOf") == 1) &&
           (!schema.contains("allOf") || count("allOf") == schema["allOf"].size());
  }

  bool valid_object(const Json& value, const Json& schema) const {
    for (const auto& name : schema.value("required", Json::array())) {
      if (!value.contains(name.get<std::string>())) return false;
    }
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name)) {
        if (!valid(member, properties[name])) return false;
      } else if (schema.contains("additionalProperties") && !valid(member, schema["additionalProperties"])) {
        return false;
      }
    }
    return true;
  }

  bool valid_array(const Json& value, const Json& schema) const {
    if (value.size() < schema.value("minItems", std::size_t{0})) return false;
    if (value.size() > schema.value("maxItems", std::size_t{1} << 60U)) return false;
    const Json prefix = schema.value("prefixItems", Json::array());
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i < prefix.size() && !valid(value[i], prefix[i])) return false;
      if (i >= prefix.size() && schema.contains("items") && !valid(value[i], schema["items"])) return false;
    }
    return true;
  }

  static const std::regex& expression_of(const std::string& text) {
    static std::map<std::string, std::regex> made;
    return made.try_emplace(text, text).first->second;
  }

  static bool valid_string(const Json& value, const Json& schema) {
    const auto text = value.get<std::string>();
    std::size_t length = 0;
    for (const char c : text) length += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (length < schema.value("minLength", std::size_t{0})) return false;
    if (length > schema.value("maxLength", std::size_t{1} << 60U)) return false;
    if (schema.contains("pattern") && !std::regex_search(text, expression_of(schema["pattern"]))) {
      return false;
    }
    if (schema.contains("format")) {
      static const std::string kDate = R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))";
      static const std::string kTime = R"(([01]\d|2[0-3])(:[0-5]\d){2}(\.\d+)?(Z|[-+]([01]\d|2[0-3]):[0-5]\d))";
      const std::string format = schema["format"];
      const std::string expression = format == "date"        ? kDate
                                     : format == "time"      ? kTime
                                     : format == "date-time" ? kDate + "T" + kTime
                                                             : "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
      if (!std::regex_match(text, expression_of(expression))) return false;
    }
    return true;
  }

  static bool valid_number(const Json& value, const Json& schema) {
    const auto number = value.get<double>();
    return (!schema.contains("minimum") || number >= schema["minimum"].get<double>()) &&
           (!schema.contains("maximum") || number <= schema["maximum"].get<double>()) &&
           (!schema.contains("exclusiveMinimum") || number > schema["exclusiveMinimum"].get<double>()) &&
           (!schema.contains("exclusiveMaximum") || number < schema["exclusiveMaximum"].get<double>());
  }

  const Json& root_;
};

}  // namespace covey::grammar
