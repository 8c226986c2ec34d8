// From the parts of a JSON schema to expressions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/grammar/json_rules.hpp"
#include "model/grammar/schema_source.hpp"

namespace covey::grammar {

class SchemaTranslator {
 public:
  explicit SchemaTranslator(const SchemaSource& source) : source_(source) {}

  /// All rules. Throws Error naming what is not supported.
  Rules run();

 private:
  struct Member {
    std::string name;
    bool required;
    Expression pair;  ///< "name": value
  };

  // schema_translator.cpp
  Expression any(const jinja::Value& schema, const std::string& path);
  Expression demanding(const jinja::Dict& schema, const std::string& path);
  Expression reference(const std::string& target, const std::string& path);
  Expression alternatives(const jinja::Dict& schema, const std::string& keyword, const std::string& path);
  Expression of_type(const std::string& type, const jinja::Dict& schema, const std::string& path);
  std::vector<std::string> types(const jinja::Dict& schema, const std::string& path) const;
  void check_keywords(const jinja::Dict& schema, const std::string& path) const;

  // schema_containers.cpp
  Expression object(const jinja::Dict& schema, const std::string& path);
  std::vector<Member> members(const jinja::Dict& schema, const std::string& path);
  std::optional<Expression> more_members(const jinja::Dict& schema, const std::string& path);
  Expression other_name(const std::vector<std::string>& names);
  Expression join(std::vector<Member> members, const std::optional<Expression>& more);
  Expression array(const jinja::Dict& schema, const std::string& path);
  std::optional<Expression> more_items(const jinja::Dict& schema, bool has_prefix, const std::string& path);

  // schema_scalars.cpp
  Expression literals(const jinja::Dict& schema, const std::string& path);
  Expression string(const jinja::Dict& schema, const std::string& path);
  Expression number(const jinja::Dict& schema, bool whole, const std::string& path);
  std::optional<std::int64_t> bound(const jinja::Dict& schema, bool lower, bool whole, const std::string& path) const;

  const SchemaSource& source_;
  JsonRules rules_;
  std::unordered_map<std::string, Expression> references_;  // rules of what is referred to, by reference
  int depth_ = 0;
  int translated_ = 0;
};

}  // namespace covey::grammar
