// Reference logits of the small models in tests/data, and distances from them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace covey {

struct Golden {
  std::string model_path;
  std::vector<std::int32_t> tokens;
  std::vector<std::vector<std::pair<std::int32_t, float>>> top5;  // by position
  std::vector<float> last_logits;
  std::vector<float> exact_last_logits;  // empty for F32 models
  double reference_nmse = 0;
  double tolerance = 1e-4;  // of logits, as a fraction of the largest
};

/// One of each architecture, and variants of llama, in F32.
inline std::vector<std::string> float_models() {
  return {"llama", "llama-tied", "llama-linear", "llama-yarn", "llama3-rope", "mixtral", "qwen2",
          "qwen3", "qwen3moe",   "gemma",        "gemma2",     "gemma3",      "phi3",    "smollm3",
          "olmo2", "granite",    "phi2",         "gpt2",       "stablelm"};
}

/// llama in all other formats.
inline std::vector<std::string> packed_models() {
  return {"llama-f16",  "llama-bf16",   "llama-q8_0",   "llama-q4_0",   "llama-q4_1", "llama-q5_0",   "llama-q5_1",
          "llama-q2_k", "llama-q3_k_m", "llama-q4_k_m", "llama-q5_k_m", "llama-q6_k", "llama-iq4_nl", "llama-iq4_xs"};
}

/// The reference's GELU is a table of half precision.
inline bool has_gelu(const std::string& model) {
  return model.starts_with("gemma") || model == "gpt2" || model == "phi2";
}

inline Golden load_golden(const std::string& name) {
  const std::string base = std::string(COVEY_TEST_DATA) + "/" + name;
  const auto json = nlohmann::json::parse(std::ifstream(base + ".json"));
  Golden golden;
  golden.model_path = base + ".gguf";
  golden.tolerance = has_gelu(name) ? 1e-3 : 1e-4;
  json.at("tokens").get_to(golden.tokens);
  json.at("last_logits").get_to(golden.last_logits);
  for (const auto& position : json.at("top5")) {
    auto& row = golden.top5.emplace_back();
    for (const auto& entry : position) row.emplace_back(entry[0].get<std::int32_t>(), entry[1].get<float>());
  }
  if (json.contains("exact_last_logits")) {
    json.at("exact_last_logits").get_to(golden.exact_last_logits);
    json.at("reference_nmse").get_to(golden.reference_nmse);
  }
  return golden;
}

/// Largest difference, as a fraction of the largest reference value.
inline double max_error(std::span<const float> values, std::span<const float> reference) {
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    error = std::max(error, std::abs(double{values[i]} - reference[i]));
    largest = std::max(largest, std::abs(double{reference[i]}));
  }
  return error / largest;
}

inline double nmse(std::span<const float> values, std::span<const float> reference) {
  double error = 0, power = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    error += (double{values[i]} - reference[i]) * (double{values[i]} - reference[i]);
    power += double{reference[i]} * reference[i];
  }
  return error / power;
}

}  // namespace covey
