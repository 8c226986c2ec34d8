// The text of a JSON schema: its parts by JSON pointer, what their keywords hold, and what is wrong where.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/dict.hpp"
#include "model/jinja/value.hpp"

namespace covey::grammar {

/// `path` is the JSON pointer of a part, as "#/properties/name".
class SchemaSource {
 public:
  /// Throws Error if `text` is no JSON.
  SchemaSource(std::string_view text, std::string name);

  const jinja::Value& root() const { return root_; }
  /// What `reference`, found at `path`, stands for.
  const jinja::Value& resolve(const std::string& reference, const std::string& path) const;
  [[noreturn]] void fail(const std::string& path, const std::string& what) const;

  // The value of a keyword of `schema`, which stands at `path`; throws Error if it is of the wrong kind.
  std::optional<std::uint32_t> count(const jinja::Dict& schema, std::string_view keyword,
                                     const std::string& path) const;
  const jinja::Dict* members(const jinja::Dict& schema, std::string_view keyword, const std::string& path) const;
  const std::vector<jinja::Value>* list(const jinja::Dict& schema, std::string_view keyword,
                                        const std::string& path) const;
  const std::string* text(const jinja::Dict& schema, std::string_view keyword, const std::string& path) const;

 private:
  std::string name_;
  jinja::Value root_;
};

/// The path of a member: `step` is escaped as JSON pointers are.
std::string path_to(const std::string& path, std::string_view step);
std::string path_to(const std::string& path, std::size_t index);

}  // namespace covey::grammar
