// LoRA adapters made for models of tests/data, and those models with the adapters merged in double precision.
#pragma once

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "covey/covey.hpp"
#include "kernels/quant/formats.hpp"
#include "tests/model/edited_model.hpp"

namespace covey {

/// An adapter of random numbers, written to a temporary file that lives as long as the object.
class MadeLora {
 public:
  struct Matrix {
    std::vector<std::uint64_t> dims;  // innermost first
    std::vector<float> values;
    TensorType type = TensorType::f32;
  };

  explicit MadeLora(const std::string& architecture = "llama", float alpha = 16) {
    metadata["general.type"] = std::string("adapter");
    metadata["general.architecture"] = architecture;
    metadata["adapter.type"] = std::string("lora");
    metadata["adapter.lora.alpha"] = alpha;
  }
  ~MadeLora() { std::filesystem::remove(path_); }
  MadeLora(const MadeLora&) = delete;
  MadeLora& operator=(const MadeLora&) = delete;

  /// Adapts a tensor of `dims`; A and B hold what `type` makes of random numbers.
  void adapt(const std::string& name, const std::vector<std::uint64_t>& dims, std::uint64_t rank,
             TensorType type = TensorType::f32) {
    std::vector<std::uint64_t> a = {dims[0], rank}, b = {rank, dims[1]};
    if (dims.size() > 2) {
      a.push_back(dims[2]);
      b.push_back(dims[2]);
    }
    tensors[name + ".lora_a"] = random(a, type);
    tensors[name + ".lora_b"] = random(b, type);
  }

  const std::string& write() const {
    GgufWriter writer;
    for (const auto& [key, value] : metadata) writer.set(key, value);
    for (const auto& [name, matrix] : tensors) {
      const TensorTypeInfo& info = tensor_type_info(matrix.type);
      std::vector<std::byte> bytes(matrix.values.size() / info.block_elements * info.block_bytes);
      find_format(matrix.type)->encode(matrix.values.data(), std::ssize(matrix.values), bytes.data());
      writer.add_tensor(name, matrix.type, matrix.dims,
                        [bytes = std::move(bytes)](const GgufWriter::Sink& sink) { sink(bytes); });
    }
    writer.write(path_);
    return path_;
  }

  LoraAdapter at(float scale = 1) const { return {write(), scale}; }

  void merge_into(EditedModel& model, double scale = 1) const {
    for (auto& [name, target] : model.tensors) {
      if (!tensors.contains(name + ".lora_a")) continue;
      const Matrix& a = tensors.at(name + ".lora_a");
      const Matrix& b = tensors.at(name + ".lora_b");
      const std::uint64_t cols = target.dims[0], rows = target.dims[1], rank = b.dims[0];
      const double factor = scale * std::get<float>(metadata.at("adapter.lora.alpha")) / static_cast<double>(rank);
      for (std::uint64_t row = 0; row < target.values.size() / cols; ++row) {
        const float* const a_rows = a.values.data() + row / rows * rank * cols;
        for (std::uint64_t col = 0; col < cols; ++col) {
          double sum = 0;
          for (std::uint64_t k = 0; k < rank; ++k) {
            sum += static_cast<double>(b.values[row * rank + k]) * static_cast<double>(a_rows[k * cols + col]);
          }
          float& weight = target.values[row * cols + col];
          weight = static_cast<float>(static_cast<double>(weight) + factor * sum);
        }
      }
    }
  }

  std::map<std::string, GgufValue> metadata;
  std::map<std::string, Matrix> tensors;

 private:
  Matrix random(const std::vector<std::uint64_t>& dims, TensorType type) {
    std::size_t count = 1;
    for (const std::uint64_t dim : dims) count *= dim;
    std::vector<float> values(count);
    for (float& value : values) value = (static_cast<float>(engine_() >> 8) / 0x1p24F - 0.5F) * 0.2F;
    const Format& format = *find_format(type);
    const TensorTypeInfo& info = tensor_type_info(type);
    std::vector<std::byte> encoded(count / info.block_elements * info.block_bytes);
    format.encode(values.data(), std::ssize(values), encoded.data());
    format.decode(encoded.data(), std::ssize(values), values.data());
    return {dims, std::move(values), type};
  }

  std::mt19937 engine_{7};
  std::string path_ = testing::TempDir() + "covey_lora_" + std::to_string(getpid()) + "_" +
                      std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".gguf";
};

/// Adapts everything that the model multiplies with, but for embeddings that serve as output too.
inline void adapt_all(MadeLora& lora, const GgufFile& file, std::uint64_t rank, TensorType type = TensorType::f32) {
  for (const GgufTensor& tensor : file.tensors()) {
    const bool table = tensor.name == "token_embd.weight" || tensor.name == "position_embd.weight";
    if (tensor.dims.size() > 1 && !table) lora.adapt(tensor.name, tensor.dims, rank, type);
  }
}

}  // namespace covey
