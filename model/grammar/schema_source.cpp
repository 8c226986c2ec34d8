#include "model/grammar/schema_source.hpp"

#include <charconv>
#include <utility>

#include "covey/error.hpp"
#include "model/grammar/expression.hpp"
#include "model/jinja/json.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::grammar {
namespace {

constexpr std::size_t kMostSchemaText = std::size_t{1} << 20U;

std::string checked_text(std::string_view text, std::string name) {
  if (text.size() > kMostSchemaText) {
    throw Error(name + ": a schema has at most 1 MiB, not " + std::to_string(text.size()));
  }
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.state != Utf8State::complete) throw Error(name + ": byte " + std::to_string(at) + " is no UTF-8");
    at += step.length;
  }
  return name;
}

/// One step of a JSON pointer with its escapes undone.
std::string unescaped(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    unsigned code = 0;
    if (step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1')) {
      out += step[++i] == '0' ? '~' : '/';
    } else if (step[i] == '%' && i + 2 < step.size() &&
               std::from_chars(step.data() + i + 1, step.data() + i + 3, code, 16).ptr == step.data() + i + 3) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += step[i];
    }
  }
  return out;
}

const jinja::Value* step_into(const jinja::Value& value, const std::string& step) {
  if (value.is(jinja::Kind::dict)) return value.dict().find(step);
  if (!value.is(jinja::Kind::list)) return nullptr;
  std::size_t index = 0;
  const auto read = std::from_chars(step.data(), step.data() + step.size(), index);
  const bool there = read.ec == std::errc() && read.ptr == step.data() + step.size() && index < value.items().size();
  return there ? &value.items()[index] : nullptr;
}

}  // namespace

SchemaSource::SchemaSource(std::string_view text, std::string name)
    : name_(checked_text(text, std::move(name))), root_(jinja::parse_json(text, name_)) {}

void SchemaSource::fail(const std::string& path, const std::string& what) const {
  throw Error(name_ + ": " + path + ": " + what);
}

const jinja::Value& SchemaSource::resolve(const std::string& reference, const std::string& path) const {
  if (!reference.starts_with('#') || (reference.size() > 1 && reference[1] != '/')) {
    fail(path, "the reference '" + reference + "' leaves the schema: copy its target into $defs, and write #/$defs/…");
  }
  const jinja::Value* at = &root_;
  for (std::string_view rest = std::string_view(reference).substr(1); !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view step = rest.substr(0, rest.find('/'));
    rest.remove_prefix(step.size());
    at = step_into(*at, unescaped(step));
    if (at == nullptr) fail(path, "the reference '" + reference + "' has no target");
  }
  return *at;
}

std::optional<std::uint32_t> SchemaSource::count(const jinja::Dict& schema, std::string_view keyword,
                                                 const std::string& path) const {
  const jinja::Value* value = schema.find(keyword);
  if (value == nullptr) return std::nullopt;
  if (!value->is(jinja::Kind::integer) || value->integer() < 0 || value->integer() > kMostRepetitions) {
    fail(path_to(path, keyword), "it has to be a whole number from 0 to " + std::to_string(kMostRepetitions));
  }
  return static_cast<std::uint32_t>(value->integer());
}

const jinja::Dict* SchemaSource::members(const jinja::Dict& schema, std::string_view keyword,
                                         const std::string& path) const {
  const jinja::Value* value = schema.find(keyword);
  if (value == nullptr) return nullptr;
  if (!value->is(jinja::Kind::dict)) fail(path_to(path, keyword), "it has to be an object");
  return &value->dict();
}

const std::vector<jinja::Value>* SchemaSource::list(const jinja::Dict& schema, std::string_view keyword,
                                                    const std::string& path) const {
  const jinja::Value* value = schema.find(keyword);
  if (value == nullptr) return nullptr;
  if (!value->is(jinja::Kind::list)) fail(path_to(path, keyword), "it has to be an array");
  return &value->items();
}

const std::string* SchemaSource::text(const jinja::Dict& schema, std::string_view keyword,
                                      const std::string& path) const {
  const jinja::Value* value = schema.find(keyword);
  if (value == nullptr) return nullptr;
  if (!value->is(jinja::Kind::string)) fail(path_to(path, keyword), "it has to be a string");
  return &value->text();
}

std::string path_to(const std::string& path, std::string_view step) {
  std::string out = path + "/";
  for (const char c : step) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string path_to(const std::string& path, std::size_t index) { return path + "/" + std::to_string(index); }

}  // namespace covey::grammar
