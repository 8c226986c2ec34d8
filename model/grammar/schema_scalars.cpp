// Strings, numbers and listed values of a JSON schema.
#include <algorithm>
#include <cmath>

#include "model/grammar/schema_merge.hpp"
#include "model/grammar/schema_numbers.hpp"
#include "model/grammar/schema_pattern.hpp"
#include "model/grammar/schema_translator.hpp"

namespace covey::grammar {
namespace {

using jinja::Dict;
using jinja::Kind;
using jinja::Value;

bool is_of_type(const Value& value, std::string_view type) {
  switch (value.kind()) {
    case Kind::boolean:
      return type == "boolean";
    case Kind::integer:
      return type == "integer" || type == "number";
    case Kind::real:
      return type == "number" || (type == "integer" && value.number() == std::floor(value.number()));
    case Kind::string:
      return type == "string";
    case Kind::list:
      return type == "array";
    case Kind::dict:
      return type == "object";
    default:
      return type == "null";
  }
}

}  // namespace

Expression SchemaTranslator::literals(const Dict& schema, const std::string& path) {
  for (const auto& [key, value] : schema.entries()) {
    const std::string& name = key.text();
    if (name == "enum" || name == "const" || name == "type" || is_annotation(name)) continue;
    source_.fail(path_to(path, name), "keyword '" + name + "' is not supported beside enum and const");
  }
  std::vector<Value> values;
  const auto* listed = source_.list(schema, "enum", path);
  if (listed != nullptr) values = *listed;
  if (const Value* only = schema.find("const")) {
    const std::string text = json_text(*only);
    const auto same = [&](const Value& value) { return json_text(value) == text; };
    if (listed != nullptr && std::ranges::none_of(values, same)) values.clear();
    if (listed == nullptr || !values.empty()) values = {*only};
  }
  const std::vector<std::string> allowed = types(schema, path);
  std::vector<Expression> parts;
  for (const Value& value : values) {
    const auto fits = [&](const std::string& type) { return is_of_type(value, type); };
    if (allowed.empty() || std::ranges::any_of(allowed, fits)) parts.push_back(literal(json_text(value)));
  }
  if (parts.empty()) source_.fail(path, "no value of enum or const fits the schema");
  return choice(std::move(parts));
}

Expression SchemaTranslator::string(const Dict& schema, const std::string& path) {
  const std::string* pattern = source_.text(schema, "pattern", path);
  const std::string* format = source_.text(schema, "format", path);
  const auto least = source_.count(schema, "minLength", path), most = source_.count(schema, "maxLength", path);
  if ((pattern != nullptr ? 1 : 0) + (format != nullptr ? 1 : 0) + (least || most ? 1 : 0) > 1) {
    source_.fail(path, "of pattern, format, and minLength with maxLength only one is supported");
  }
  if (pattern != nullptr) return pattern_strings(*pattern, source_, path_to(path, "pattern"));
  if (format != nullptr) {
    const std::string rule = "format-" + *format;
    if (!rules_.has(rule)) {
      source_.fail(path_to(path, "format"), "format '" + *format + "' is not supported; there are " + format_names());
    }
    return sequence({literal("\""), rules_.rule(rule), literal("\"")});
  }
  if (!least && !most) return rules_.rule("string");
  if (most && *most < least.value_or(0)) source_.fail(path, "maxLength is less than minLength");
  return sequence(
      {literal("\""), repeat(rules_.rule("character"), least.value_or(0), most.value_or(kNoEnd)), literal("\"")});
}

/// The bound of minimum and exclusiveMinimum, or of maximum and exclusiveMaximum.
std::optional<std::int64_t> SchemaTranslator::bound(const Dict& schema, bool lower, bool whole,
                                                    const std::string& path) const {
  std::optional<std::int64_t> result;
  for (const bool exclusive : {false, true}) {
    const char* keyword =
        lower ? (exclusive ? "exclusiveMinimum" : "minimum") : (exclusive ? "exclusiveMaximum" : "maximum");
    const Value* value = schema.find(keyword);
    if (value == nullptr) continue;
    const std::string here = path_to(path, keyword);
    if (!value->is_number() || value->is(Kind::boolean)) source_.fail(here, "it has to be a number");
    if (!whole && exclusive) source_.fail(here, "it is supported for integers only: write minimum, maximum");
    if (!whole && value->number() != std::floor(value->number())) {
      source_.fail(here, "bounds of numbers have to be whole");
    }
    // Up to where all integers are floating-point numbers too, unless it is written as an integer.
    const double most = value->is(Kind::integer) ? static_cast<double>(kMostBound) : 9e15;
    if (!(std::abs(value->number()) < most)) source_.fail(here, "bounds have at most 18 digits");
    std::int64_t limit = value->is(Kind::integer) ? value->integer()
                                                  : static_cast<std::int64_t>(lower ? std::ceil(value->number())
                                                                                    : std::floor(value->number()));
    if (exclusive && static_cast<double>(limit) == value->number()) limit += lower ? 1 : -1;
    if (result) limit = lower ? std::max(limit, *result) : std::min(limit, *result);
    result = limit;
  }
  return result;
}

Expression SchemaTranslator::number(const Dict& schema, bool whole, const std::string& path) {
  const auto least = bound(schema, true, whole, path), most = bound(schema, false, whole, path);
  if (!least && !most && !whole) return rules_.rule("number");
  std::int64_t from = least.value_or(-kMostUnbounded), to = most.value_or(kMostUnbounded);
  if (!most && from > to) to = kMostBound;
  if (!least && from > to) from = -kMostBound;
  if (from > to) source_.fail(path, "the maximum is below the minimum");
  return whole ? integers_between(from, to) : numbers_between(from, to);
}

}  // namespace covey::grammar
