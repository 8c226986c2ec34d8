#include "model/convert/model_config.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {

ModelConfig::ModelConfig(JsonValue json, std::string path) : json_(std::move(json)), path_(std::move(path)) {
  const JsonValue* const models = json_.find("architectures");
  if (models == nullptr || models->array() == nullptr || models->array()->size() != 1 ||
      models->array()->front().string() == nullptr) {
    fail("names no model: \"architectures\" must be a list of one name");
  }
  const std::string& model = *models->array()->front().string();
  spec_ = find_convert_spec(model);
  if (spec_ == nullptr) {
    throw Error(path_ + ": the model is " + in_quotes(model) + ", which can't be converted; known: " + known_models());
  }
  if (!spec_->section.empty() && json_.find(spec_->section) == nullptr) {
    fail("has no \"" + std::string(spec_->section) + "\", which would describe the language model");
  }
  if (json_.find("quantization_config") != nullptr || find("quantization_config") != nullptr) {
    fail("has a quantization_config: quantized weights are not converted; take the model as it was before");
  }
}

const JsonValue& ModelConfig::section() const { return spec_->section.empty() ? json_ : *json_.find(spec_->section); }

void ModelConfig::fail(const std::string& what) const { throw Error(path_ + ": " + what); }

std::optional<double> ModelConfig::optional_number(const JsonValue& object, std::string_view key) const {
  if (const JsonValue* const value = object.find(key)) {
    const std::optional<double> number = value->number();
    if (!number || !std::isfinite(*number)) fail("\"" + std::string(key) + "\" is no number");
    return number;
  }
  if (&object != &section()) return std::nullopt;
  const auto found = std::ranges::find(spec_->defaults, key, &ConfigDefault::key);
  return found == spec_->defaults.end() ? std::nullopt : std::optional(found->value);
}

double ModelConfig::number(std::string_view key) const {
  const std::optional<double> value = optional_number(key);
  if (!value) fail("\"" + std::string(key) + "\" is missing");
  return *value;
}

std::optional<std::int64_t> ModelConfig::optional_integer(std::string_view key, std::int64_t low,
                                                          std::int64_t high) const {
  const std::optional<double> value = optional_number(key);
  if (!value) return std::nullopt;
  if (!(*value >= static_cast<double>(low) && *value <= static_cast<double>(high)) || *value != std::floor(*value)) {
    fail("\"" + std::string(key) + "\" must be a whole number from " + std::to_string(low) + " to " +
         std::to_string(high));
  }
  return static_cast<std::int64_t>(*value);
}

std::int64_t ModelConfig::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  const std::optional<std::int64_t> value = optional_integer(key, low, high);
  if (!value) fail("\"" + std::string(key) + "\" is missing");
  return *value;
}

bool ModelConfig::flag(std::string_view key, bool otherwise) const {
  // Some keys are the whole file's, whatever describes the language model.
  const JsonValue* value = find(key);
  if (value == nullptr) value = json_.find(key);
  if (value == nullptr) return otherwise;
  const std::optional<bool> truth = value->boolean();
  if (!truth) fail("\"" + std::string(key) + "\" is neither true nor false");
  return *truth;
}

}  // namespace covey
