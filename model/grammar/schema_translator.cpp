#include "model/grammar/schema_translator.hpp"

#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "model/grammar/schema.hpp"
#include "model/grammar/schema_merge.hpp"

namespace covey::grammar {
namespace {

using jinja::Dict;
using jinja::Kind;
using jinja::Value;

constexpr int kMostLevels = 48;
constexpr int kMostSchemas = 20000;  // parts that refer to each other multiply

struct Keyword {
  std::string_view name;
  std::string_view type;  ///< it is about values of this type; empty: about all
};
constexpr auto kKeywords = std::to_array<Keyword>({
    {"type", ""},
    {"enum", ""},
    {"const", ""},
    {"anyOf", ""},
    {"oneOf", ""},
    {"properties", "object"},
    {"required", "object"},
    {"additionalProperties", "object"},
    {"items", "array"},
    {"prefixItems", "array"},
    {"minItems", "array"},
    {"maxItems", "array"},
    {"minLength", "string"},
    {"maxLength", "string"},
    {"pattern", "string"},
    {"format", "string"},
    {"minimum", "number"},
    {"maximum", "number"},
    {"exclusiveMinimum", "number"},
    {"exclusiveMaximum", "number"},
});

const Keyword* find_keyword(std::string_view name) {
  const auto found = std::ranges::find(kKeywords, name, &Keyword::name);
  return found == kKeywords.end() ? nullptr : &*found;
}

}  // namespace

Rules SchemaTranslator::run() {
  const std::uint32_t root = rules_.reserve("#");
  references_.emplace("#", rule_reference(root));
  rules_.define(root, any(source_.root(), "#"));
  return rules_.take(root);
}

Expression SchemaTranslator::any(const Value& schema, const std::string& path) {
  if (++translated_ > kMostSchemas) source_.fail(path, "the schema has too many parts, with all its references");
  if (schema.is(Kind::boolean)) {
    if (!schema.boolean()) source_.fail(path, "false allows no value");
    return rules_.rule("value");
  }
  if (!schema.is(Kind::dict)) source_.fail(path, "a schema has to be an object, true or false");
  const Dict& given = schema.dict();
  if (const std::string* target = source_.text(given, "$ref", path);
      target != nullptr && !demands_anything(without(given, "$ref"))) {
    return reference(*target, path);
  }
  if (++depth_ > kMostLevels) {
    source_.fail(path, "the schema nests too deep; a schema that contains itself has to do so by a $ref alone");
  }
  Expression result = demanding(flattened(source_, given, path), path);
  --depth_;
  return result;
}

/// A rule for each target, so that schemas may contain themselves.
Expression SchemaTranslator::reference(const std::string& target, const std::string& path) {
  const auto known = references_.find(target);
  if (known != references_.end()) return known->second;
  const Value& schema = source_.resolve(target, path);
  const std::uint32_t rule = rules_.reserve(target);
  references_.emplace(target, rule_reference(rule));
  const int depth = std::exchange(depth_, depth_ + 1);
  if (depth_ > kMostLevels) source_.fail(path, "references lead too deep");
  rules_.define(rule, any(schema, target));
  depth_ = depth;
  return rule_reference(rule);
}

Expression SchemaTranslator::demanding(const Dict& schema, const std::string& path) {
  check_keywords(schema, path);
  for (const char* keyword : {"anyOf", "oneOf"}) {
    if (schema.find(keyword) != nullptr) return alternatives(schema, keyword, path);
  }
  if (schema.find("enum") != nullptr || schema.find("const") != nullptr) return literals(schema, path);
  std::vector<Expression> parts;
  for (const std::string& type : types(schema, path)) parts.push_back(of_type(type, schema, path));
  return parts.empty() ? rules_.rule("value") : choice(std::move(parts));
}

void SchemaTranslator::check_keywords(const Dict& schema, const std::string& path) const {
  for (const auto& [key, value] : schema.entries()) {
    const std::string& name = key.text();
    if (is_annotation(name) || find_keyword(name) != nullptr) continue;
    if (name == "uniqueItems" && value.is(Kind::boolean) && !value.boolean()) continue;
    source_.fail(path_to(path, name), "keyword '" + name + "' is not supported: take it out, or check it afterwards");
  }
}

Expression SchemaTranslator::alternatives(const Dict& schema, const std::string& keyword, const std::string& path) {
  const std::string here = path_to(path, keyword);
  const std::vector<Value> given = *source_.list(schema, keyword, path);
  if (given.empty()) source_.fail(here, "it has to list at least one schema");
  const Dict rest = without(schema, keyword);
  std::vector<Value> whole;
  for (const Value& alternative : given) {
    whole.push_back(demands_anything(rest) ? both(rest, alternative) : alternative);
  }
  if (keyword == "oneOf") {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (++translated_ > kMostSchemas) source_.fail(here, "too many alternatives");
        if (exclude_each_other(source_, whole[j], whole[i], here)) continue;
        source_.fail(here, "a value may be of both " + std::to_string(j) + " and " + std::to_string(i) +
                               ": tell them apart by type, const or a required property, or write anyOf");
      }
    }
  }
  std::vector<Expression> parts;
  for (std::size_t i = 0; i < whole.size(); ++i) parts.push_back(any(whole[i], path_to(here, i)));
  return choice(std::move(parts));
}

/// Empty: any. Without "type", keywords that are about one type ask for it.
std::vector<std::string> SchemaTranslator::types(const Dict& schema, const std::string& path) const {
  static constexpr std::array<std::string_view, 7> kTypes = {"object",  "array",   "string", "number",
                                                             "integer", "boolean", "null"};
  std::vector<std::string> result;
  const Value* given = schema.find("type");
  if (given == nullptr) {
    for (const auto& [key, value] : schema.entries()) {
      const Keyword* keyword = find_keyword(key.text());
      if (keyword == nullptr || keyword->type.empty()) continue;
      if (std::ranges::find(result, keyword->type) == result.end()) result.emplace_back(keyword->type);
    }
    return result;
  }
  const std::string here = path_to(path, "type");
  const std::vector<Value> one{*given};
  const std::vector<Value>& names = given->is(Kind::list) ? given->items() : one;
  for (const Value& name : names) {
    if (!name.is(Kind::string) || std::ranges::find(kTypes, name.text()) == kTypes.end()) {
      source_.fail(here, "there are the types object, array, string, number, integer, boolean and null");
    }
    result.push_back(name.text());
  }
  if (result.empty()) source_.fail(here, "it has to name at least one type");
  return result;
}

Expression SchemaTranslator::of_type(const std::string& type, const Dict& schema, const std::string& path) {
  if (type == "object") return object(schema, path);
  if (type == "array") return array(schema, path);
  if (type == "string") return string(schema, path);
  if (type == "number" || type == "integer") return number(schema, type == "integer", path);
  return rules_.rule(type);
}

Rules parse_json_schema(std::string_view text, const std::string& name) {
  const SchemaSource source(text, name);
  Rules rules = SchemaTranslator(source).run();
  const Fault fault = find_fault(rules);
  if (!fault.what.empty()) throw Error(name + ": " + fault.what);
  return rules;
}

}  // namespace covey::grammar
