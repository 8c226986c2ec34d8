// A model as it is published, safetensors with its JSON files, written as GGUF.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/convert/checkpoint.hpp"
#include "model/convert/tensor_plan.hpp"

namespace covey {

struct ConversionOptions {
  std::optional<TensorType> type;  ///< of matrices; unset: what each has. F32, F16, BF16 or Q8_0
  std::string pre;                 ///< tokenizer.ggml.pre; empty: found from tokenizer.json
};

/// Everything but the weights is read, and all is checked, when the object is made.
class Conversion {
 public:
  /// Throws Error naming the file and what is missing, damaged, or not known.
  Conversion(const std::string& folder, const ConversionOptions& options);

  const std::string& model() const { return model_; }                ///< as config.json names it
  const std::string& architecture() const { return architecture_; }  ///< general.architecture
  const GgufMetadata& metadata() const { return metadata_; }
  const std::vector<PlannedTensor>& tensors() const { return tensors_; }

  /// Writes beside `path`, reads back what was written (metadata, tokenizer, shapes), and only then renames it. Throws
  /// Error naming the path. `progress` is called with (bytes written, bytes in all) and may throw.
  void write(const std::string& path, const std::function<void(std::uint64_t, std::uint64_t)>& progress = {}) const;

 private:
  Checkpoint checkpoint_;
  std::string model_, architecture_;
  GgufMetadata metadata_;
  std::vector<PlannedTensor> tensors_;
};

}  // namespace covey
