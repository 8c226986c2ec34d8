// A model's numbers: from config.json to the metadata keys of a GGUF file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/arch_spec.hpp"
#include "model/convert/model_config.hpp"
#include "model/hyper_params.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

/// A tensor that a GGUF file has and a checkpoint computes.
struct MadeTensor {
  std::string name;
  std::vector<float> values;
};

struct ModelNumbers {
  HyperParams dims;  ///< only what the shapes of tensors depend on, but for the vocabulary
  GgufMetadata metadata;
  std::vector<MadeTensor> tensors;
};

/// Throws Error naming config.json and the key for what is missing, out of range, or nothing that Covey computes.
ModelNumbers convert_numbers(const ModelConfig& config, const ArchSpec& arch);

/// Rotary embedding's part: `numbers.dims` has heads and context.
void convert_rope(const ModelConfig& config, const ArchSpec& arch, ModelNumbers& numbers);

}  // namespace covey
