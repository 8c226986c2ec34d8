// Rules of JSON itself, to which those of a schema are added.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/grammar/expression.hpp"
#include "model/jinja/value.hpp"

namespace covey::grammar {

class JsonRules {
 public:
  /// value, object, array, string, character, number, boolean, null, ws (space between tokens), colon, comma, and
  /// format-… for each supported format of strings.
  JsonRules();

  Expression rule(std::string_view name) const;
  bool has(std::string_view name) const { return ids_.contains(std::string(name)); }

  /// A rule to be defined later.
  std::uint32_t reserve(std::string name);
  void define(std::uint32_t rule, Expression body);
  Expression add(std::string name, Expression body);

  /// All rules, of which `root` is the root; the object is not to be used afterwards.
  Rules take(std::uint32_t root);

 private:
  Rules rules_;
  std::unordered_map<std::string, std::uint32_t> ids_;  // of the rules of JSON
};

/// One character of `set` inside a JSON string, escaped where it has to be.
Expression json_characters(const CodeSet& set);

/// The formats that strings may have, as "date, time".
std::string format_names();

/// As JSON, on one line.
std::string json_text(const jinja::Value& value);

}  // namespace covey::grammar
