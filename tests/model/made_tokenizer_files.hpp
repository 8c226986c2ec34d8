// Tokenizers as they are published, made for tests, and what converting makes of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/convert/converted_vocabulary.hpp"
#include "tests/model/made_checkpoint.hpp"

namespace covey {

/// A folder whose model is of no interest.
class MadeTokenizerFiles {
 public:
  MadeTokenizerFiles() {
    MadeSafetensors weights;
    weights.add("w", "F32", {1}, std::string(4, '\0'));
    checkpoint.put("model.safetensors", weights.bytes());
  }

  /// For an embedding of `rows` tokens.
  GgufFile convert(std::size_t rows, std::string_view pre = "") const {
    const Checkpoint files(checkpoint.folder());
    GgufWriter writer;
    for (auto& [key, value] : vocabulary_metadata(convert_vocabulary(files, rows, pre))) writer.set(key, value);
    for (auto& [key, value] : chat_template_metadata(files)) writer.set(key, value);
    writer.write(checkpoint.path("vocabulary.gguf"));
    return GgufFile::open(checkpoint.path("vocabulary.gguf"));
  }
  std::string refusal(std::size_t rows, std::string_view pre = "") const {
    try {
      convert(rows, pre);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  MadeCheckpoint checkpoint;
};

/// A "Split" step of a tokenizer.json, and the one that follows it.
inline PlainJson split_then_bytes(const std::vector<std::string>& expressions) {
  PlainJson steps = PlainJson::array();
  for (const std::string& expression : expressions) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

}  // namespace covey
