// A folder as models are published in: config.json, weights in safetensors, a tokenizer's files.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "third_party_free_formats/json_value.hpp"
#include "third_party_free_formats/safetensors.hpp"

namespace covey {

/// A tensor and the file that it lies in.
struct CheckpointTensor {
  const SafetensorsFile* file = nullptr;
  const SafetensorsTensor* tensor = nullptr;
};

/// Its weights are mapped for the life of the object, one file or many that an index lists.
class Checkpoint {
 public:
  /// Throws Error naming the file that is missing or damaged.
  explicit Checkpoint(const std::string& folder);
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  const std::string& folder() const { return folder_; }
  /// Of a file in the folder, which need not exist.
  std::string path(std::string_view name) const;
  bool has(std::string_view name) const;
  /// nullopt where the file is absent; Error naming it where it is no JSON.
  std::optional<JsonValue> json(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;

  /// All tensors, by name.
  const std::map<std::string, CheckpointTensor, std::less<>>& tensors() const { return tensors_; }

 private:
  std::vector<std::string> weight_files() const;

  std::string folder_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, CheckpointTensor, std::less<>> tensors_;
};

}  // namespace covey
