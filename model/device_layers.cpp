#include "model/device_layers.hpp"

#include <algorithm>
#include <cassert>
#include <string>

#include "covey/error.hpp"
#include "kernels/device_profile.hpp"
#include "model/hyper_params.hpp"

namespace covey {
namespace {

// Activations, staging memory, and what the driver takes for itself.
constexpr std::uint64_t kAside = std::uint64_t{192} << 20;

/// Bytes of the tensors of one layer (the largest), and of the model's own.
struct ModelBytes {
  std::uint64_t layer = 0;
  std::uint64_t head = 0;
};

ModelBytes bytes_of(const GgufFile& file, std::int32_t layers) {
  ModelBytes bytes;
  for (std::int32_t layer = 0; layer < layers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer) + ".";
    std::uint64_t sum = 0;
    for (const GgufTensor& tensor : file.tensors()) {
      if (tensor.name.starts_with(prefix)) sum += tensor.data.size();
    }
    bytes.layer = std::max(bytes.layer, sum);
  }
  const GgufTensor* output = file.find_tensor("output.weight");
  if (output == nullptr) output = file.find_tensor("token_embd.weight");
  if (output != nullptr) bytes.head = output->data.size();
  return bytes;
}

std::uint64_t cache_bytes_of_layer(const HyperParams& params, const StageOptions& options) {
  const std::int32_t tokens = options.kv_tokens != 0 ? options.kv_tokens
                              : options.n_ctx != 0   ? options.n_ctx
                                                     : std::min(params.n_ctx_train, 4096);
  constexpr std::uint64_t kBytesOfValue = 4;  // F32, to be safe
  return 2 * kBytesOfValue * static_cast<std::uint64_t>(std::max(tokens, 0)) *
         static_cast<std::uint64_t>(params.n_kv_heads) * static_cast<std::uint64_t>(params.head_dim);
}

}  // namespace

std::int32_t layers_on_device(const GgufFile& file, const StageOptions& options) {
  const HyperParams params = read_hyper_params(file, read_architecture(file));
  const bool whole = options.shard.stages == 1 && options.shard.parts == 1;
  if (options.vulkan_layers != 0 && (!whole || !options.vulkan)) {
    throw Error(
        "layers can be divided between a GPU and the CPU on ranks that have a GPU and hold the whole model: "
        "leave --gpu-layers out, or use --mode solo or self-moa and --device vulkan");
  }
  if (!options.vulkan || !whole) return params.n_layers;
  if (options.vulkan_layers != 0) return std::clamp(options.vulkan_layers, 1, params.n_layers);
  const ModelBytes bytes = bytes_of(file, params.n_layers);
  const std::uint64_t left = profile_device(options.cpu, options.vulkan).free_bytes;
  const std::uint64_t others = bytes.head + kAside;
  const std::uint64_t layer = bytes.layer + cache_bytes_of_layer(params, options);
  if (left <= others || layer == 0) return params.n_layers;  // making the device says what is wrong
  const std::uint64_t fit = (left - others) / layer;
  return static_cast<std::int32_t>(std::clamp<std::uint64_t>(fit, 1, static_cast<std::uint64_t>(params.n_layers)));
}

StageOptions options_for_device(StageOptions options, std::int32_t layers, std::int32_t all) {
  options.vulkan_layers = 0;
  options.shard.stages = 2;
  options.shard.stage = 0;
  options.shard.shares = {static_cast<double>(layers), static_cast<double>(all - layers)};
  return options;
}

StageOptions options_for_rest(StageOptions options, std::int32_t layers, std::int32_t all) {
  options = options_for_device(std::move(options), layers, all);
  options.shard.stage = 1;
  options.vulkan.reset();
  return options;
}

/// The rest's side.
class RestOfLayers::Handover final : public Exchange {
 public:
  Handover(std::span<const float> in, std::vector<float>& out) : in_(in), out_(out) {}

  void receive(std::span<float> activations) override {
    assert(activations.size() == in_.size());
    std::ranges::copy(in_, activations.begin());
  }
  void pass_on(std::span<const float> activations) override { out_.assign(activations.begin(), activations.end()); }

 private:
  std::span<const float> in_;
  std::vector<float>& out_;
};

void RestOfLayers::pass_on(std::span<const float> activations) {
  Handover handover(activations, wanted_);
  rest_.forward(batch_, handover);
}

void RestOfLayers::receive(std::span<float> activations) {
  assert(activations.size() == wanted_.size());
  std::ranges::copy(wanted_, activations.begin());
}

}  // namespace covey
