#include "model/grammar/schema_merge.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "model/grammar/json_rules.hpp"

namespace covey::grammar {
namespace {

using jinja::Dict;
using jinja::Kind;
using jinja::Value;

constexpr int kMostReferences = 64;  // followed one after the other

std::vector<std::string> as_texts(const Value& value) {
  if (value.is(Kind::string)) return {value.text()};
  std::vector<std::string> texts;
  if (!value.is(Kind::list)) return texts;
  for (const Value& item : value.items()) {
    if (item.is(Kind::string)) texts.push_back(item.text());
  }
  return texts;
}

class Merger {
 public:
  Merger(const SchemaSource& source, const std::string& path) : source_(source), path_(path) {}

  /// Adds the demands of `from` to `to`.
  void merge(Dict& to, const Dict& from) const {
    check_additional(to, from);
    check_additional(from, to);
    for (const auto& [key, value] : from.entries()) {
      const Value* there = to.find(key.text());
      if (there == nullptr) {
        to.set(key, value);
      } else if (!is_annotation(key.text()) && json_text(*there) != json_text(value)) {
        to.set(key, combined(key.text(), *there, value));
      }
    }
  }

 private:
  /// What `owner` says of additional properties is about all but its own.
  void check_additional(const Dict& owner, const Dict& other) const {
    const Value* additional = owner.find("additionalProperties");
    if (additional == nullptr || (additional->is(Kind::boolean) && additional->boolean())) return;
    const Dict* own = source_.members(owner, "properties", path_);
    const Dict* others = source_.members(other, "properties", path_);
    if (others == nullptr) return;
    for (const auto& [name, schema] : others->entries()) {
      if (own == nullptr || own->find(name.text()) == nullptr) {
        source_.fail(path_, "schemas that hold together have additionalProperties and, in another of them, property '" +
                                name.text() + "': put all properties in one");
      }
    }
  }

  Value combined(const std::string& keyword, const Value& one, const Value& two) const {
    if (keyword == "properties" && one.is(Kind::dict) && two.is(Kind::dict)) return properties(one.dict(), two.dict());
    if (keyword == "required") return required(one, two);
    if (keyword == "type") return types(one, two);
    if (keyword == "items") return both(one, two);
    if (one.is_number() && two.is_number()) {
      if (keyword.starts_with("min") || keyword == "exclusiveMinimum") return one.number() > two.number() ? one : two;
      if (keyword.starts_with("max") || keyword == "exclusiveMaximum") return one.number() < two.number() ? one : two;
    }
    source_.fail(path_, "keyword '" + keyword + "' differs between schemas that hold together: put it in one");
  }

  static Value properties(const Dict& one, const Dict& two) {
    Dict all = one;
    for (const auto& [name, schema] : two.entries()) {
      const Value* there = all.find(name.text());
      all.set(name, there == nullptr ? schema : both(*there, schema));
    }
    return all;
  }

  static Value required(const Value& one, const Value& two) {
    std::vector<std::string> names = as_texts(one);
    for (const std::string& name : as_texts(two)) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return std::vector<Value>(names.begin(), names.end());
  }

  Value types(const Value& one, const Value& two) const {
    std::vector<Value> common;
    const std::vector<std::string> firsts = as_texts(one), seconds = as_texts(two);
    const auto has = [](const std::vector<std::string>& types, std::string_view type) {
      return std::ranges::find(types, type) != types.end();
    };
    for (const std::string& type : firsts) {
      if (has(seconds, type) || (type == "integer" && has(seconds, "number"))) common.emplace_back(type);
    }
    if (has(firsts, "number") && !has(firsts, "integer") && has(seconds, "integer")) common.emplace_back("integer");
    if (common.empty()) source_.fail(path_, "schemas that hold together have no type in common");
    return common;
  }

  const SchemaSource& source_;
  const std::string& path_;
};

/// `parts_left` bounds the work on schemas that refer to themselves.
Dict flattened_within(const SchemaSource& source, Dict schema, const std::string& path, int& parts_left) {
  const Merger merger(source, path);
  while (schema.find("$ref") != nullptr || schema.find("allOf") != nullptr) {
    if (--parts_left < 0) source.fail(path, "$ref and allOf lead on and on: let a schema not contain itself this way");
    const std::string keyword = schema.find("$ref") != nullptr ? "$ref" : "allOf";
    std::vector<Value> parts;
    if (keyword == "$ref") {
      parts.push_back(source.resolve(*source.text(schema, "$ref", path), path_to(path, "$ref")));
    } else {
      parts = *source.list(schema, "allOf", path);
    }
    schema = without(schema, keyword);
    for (const Value& part : parts) {
      if (part.is(Kind::boolean) && part.boolean()) continue;
      if (!part.is(Kind::dict)) {
        source.fail(path_to(path, keyword), part.is(Kind::boolean) ? "false allows no value" : "it has to be a schema");
      }
      merger.merge(schema, flattened_within(source, part.dict(), path, parts_left));
    }
  }
  return schema;
}

/// The values of enum or const; nullopt if the schema has neither.
std::optional<std::vector<Value>> literal_values(const Dict& schema) {
  if (const Value* only = schema.find("const")) return std::vector{*only};
  const Value* values = schema.find("enum");
  if (values == nullptr || !values->is(Kind::list)) return std::nullopt;
  return values->items();
}

std::string_view type_of(const Value& value) {
  switch (value.kind()) {
    case Kind::boolean:
      return "boolean";
    case Kind::integer:
    case Kind::real:
      return "number";
    case Kind::string:
      return "string";
    case Kind::list:
      return "array";
    case Kind::dict:
      return "object";
    default:
      return "null";
  }
}

/// Whether the values listed in `one` are none of `other`.
bool literals_exclude(const Dict& one, const Dict& other) {
  const auto values = literal_values(one), others = literal_values(other);
  if (!values) return false;
  return std::ranges::none_of(*values, [&](const Value& value) {
    const auto same = [&](const Value& listed) { return json_text(listed) == json_text(value); };
    return may_be(other, type_of(value)) && (!others || std::ranges::any_of(*others, same));
  });
}

bool requires_property(const Dict& schema, const std::string& name) {
  const Value* required = schema.find("required");
  const std::vector<std::string> names = required == nullptr ? std::vector<std::string>() : as_texts(*required);
  return std::ranges::find(names, name) != names.end();
}

bool exclude(const SchemaSource& source, const Value& first, const Value& second, const std::string& path, int depth) {
  if (!first.is(Kind::dict) || !second.is(Kind::dict) || depth > 8) return false;
  const Dict one = flattened(source, first.dict(), path), two = flattened(source, second.dict(), path);
  static constexpr std::array<std::string_view, 6> kTypes = {"object", "array", "string", "number", "boolean", "null"};
  const auto may_be_both = [&](std::string_view type) { return may_be(one, type) && may_be(two, type); };
  if (std::ranges::none_of(kTypes, may_be_both)) return true;
  if (literals_exclude(one, two) || literals_exclude(two, one)) return true;
  if (std::ranges::any_of(kTypes, [&](std::string_view type) { return type != "object" && may_be_both(type); })) {
    return false;
  }
  const Dict* properties = source.members(one, "properties", path);
  const Dict* others = source.members(two, "properties", path);
  if (properties == nullptr || others == nullptr) return false;
  return std::ranges::any_of(properties->entries(), [&](const Dict::Entry& entry) {
    const Value* other = others->find(entry.key.text());
    return other != nullptr && requires_property(one, entry.key.text()) && requires_property(two, entry.key.text()) &&
           exclude(source, entry.value, *other, path, depth + 1);
  });
}

}  // namespace

bool is_annotation(std::string_view keyword) {
  static constexpr std::array<std::string_view, 13> kAnnotations = {
      "title",      "description", "default",   "examples", "$schema", "$id",        "$comment",
      "deprecated", "readOnly",    "writeOnly", "$defs",    "$anchor", "definitions"};
  return keyword.starts_with("x-") || std::ranges::find(kAnnotations, keyword) != kAnnotations.end();
}

bool demands_anything(const Dict& schema) {
  return !std::ranges::all_of(schema.entries(),
                              [](const Dict::Entry& entry) { return is_annotation(entry.key.text()); });
}

Dict without(const Dict& schema, std::string_view keyword) {
  Dict result;
  for (const auto& [key, value] : schema.entries()) {
    if (key.text() != keyword) result.set(key, value);
  }
  return result;
}

Value both(Value first, Value second) {
  Dict schema;
  schema.set("allOf", std::vector<Value>{std::move(first), std::move(second)});
  return schema;
}

Dict flattened(const SchemaSource& source, const Dict& schema, const std::string& path) {
  int parts_left = kMostReferences;
  return flattened_within(source, schema, path, parts_left);
}

bool may_be(const Dict& schema, std::string_view type) {
  const Value* types = schema.find("type");
  if (types == nullptr) return true;
  const std::vector<std::string> names = as_texts(*types);
  return std::ranges::any_of(
      names, [type](const std::string& name) { return name == type || (name == "integer" && type == "number"); });
}

bool exclude_each_other(const SchemaSource& source, const Value& first, const Value& second, const std::string& path) {
  return exclude(source, first, second, path, 0);
}

}  // namespace covey::grammar
