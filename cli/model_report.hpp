// What a GGUF file holds, for people and as JSON.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/lora.hpp"
#include "model/stage.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Works for every well-formed file; what this version can't run is said, not refused.
class ModelReport {
 public:
  /// `file` must outlive the report.
  explicit ModelReport(const GgufFile& file);

  std::string overview() const;
  std::string metadata() const;
  std::string tensors() const;
  nlohmann::ordered_json json(bool with_tensors, bool with_metadata) const;

 private:
  struct Vocabulary {
    std::string kind;
    std::int32_t size = 0;
    std::optional<Token> bos, eos;
  };
  void read_adapter();
  void read_model();
  std::string adapter_text() const;
  std::string parts_text() const;
  double bits_per_weight() const;
  std::string types() const;

  const GgufFile& file_;
  std::optional<LoraContents> adapter_;
  std::optional<ModelFacts> facts_;
  std::optional<Vocabulary> vocabulary_;
  std::vector<std::string> notes_;  // why the file can't be run
  std::uint64_t parameters_ = 0;
  std::uint64_t tensor_bytes_ = 0;
  std::map<std::string_view, std::uint64_t> elements_by_type_;
};

}  // namespace covey
