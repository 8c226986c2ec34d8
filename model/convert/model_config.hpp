// config.json of a model, its values checked as they are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/convert/convert_spec.hpp"
#include "third_party_free_formats/json_value.hpp"

namespace covey {

class ModelConfig {
 public:
  /// Throws Error naming `path` for a model that is not known, or one that can't be converted: quantized, or without
  /// the section that describes its language model.
  ModelConfig(JsonValue json, std::string path);

  const ConvertSpec& spec() const { return *spec_; }
  const std::string& path() const { return path_; }

  /// Of the language model; nullptr where absent.
  const JsonValue* find(std::string_view key) const { return section().find(key); }
  /// The spec's default where absent. Error naming the file and the key where there is none, or it is out of range.
  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  double number(std::string_view key) const;
  /// Of any object of the file, finite; the default, if it is the language model's section, where absent.
  std::optional<double> optional_number(const JsonValue& object, std::string_view key) const;
  std::optional<double> optional_number(std::string_view key) const { return optional_number(section(), key); }
  bool flag(std::string_view key, bool otherwise) const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  const JsonValue& section() const;

  JsonValue json_;
  std::string path_;
  const ConvertSpec* spec_ = nullptr;
};

}  // namespace covey
