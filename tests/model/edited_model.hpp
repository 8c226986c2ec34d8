// Copies of models with some of their metadata and tensors changed.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "third_party_free_formats/gguf.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {

/// A model of tests/data, to be changed and written to a temporary file that lives as long as the object.
class EditedModel {
 public:
  struct Tensor {
    std::vector<std::uint64_t> dims;  // innermost first
    std::vector<float> values;
  };

  explicit EditedModel(const std::string& name) {
    const GgufFile file = GgufFile::open(std::string(COVEY_TEST_DATA) + "/" + name + ".gguf");
    for (const auto& [key, value] : file.metadata()) metadata[key] = value;
    for (const GgufTensor& tensor : file.tensors()) {
      Tensor copy{tensor.dims, std::vector<float>(tensor.elements())};
      std::memcpy(copy.values.data(), tensor.data.data(), tensor.data.size());
      tensors[tensor.name] = std::move(copy);
    }
  }
  ~EditedModel() { std::filesystem::remove(path_); }
  EditedModel(const EditedModel&) = delete;
  EditedModel& operator=(const EditedModel&) = delete;

  GgufFile open() {
    GgufWriter writer;
    for (const auto& [key, value] : metadata) writer.set(key, value);
    for (const auto& [name, tensor] : tensors) {
      writer.add_tensor(name, TensorType::f32, tensor.dims, [&values = tensor.values](const GgufWriter::Sink& sink) {
        sink(std::as_bytes(std::span(values)));
      });
    }
    writer.write(path_);
    return GgufFile::open(path_);
  }

  /// Puts the rows (or elements) of several tensors into one, in order.
  void fuse(const std::string& into, const std::vector<std::string>& names) {
    Tensor fused = tensors.at(names.front());
    fused.dims.back() = 0;
    fused.values.clear();
    for (const std::string& name : names) {
      const Tensor& part = tensors.at(name);
      fused.dims.back() += part.dims.back();
      fused.values.insert(fused.values.end(), part.values.begin(), part.values.end());
      tensors.erase(name);
    }
    tensors[into] = std::move(fused);
  }

  std::map<std::string, GgufValue> metadata;
  std::map<std::string, Tensor> tensors;

 private:
  std::string path_ = testing::TempDir() + "covey_edited_" + std::to_string(getpid()) + "_" +
                      std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".gguf";
};

}  // namespace covey
