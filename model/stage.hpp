// One rank's share of a model, ready to compute: weights on a device, the KV cache, the forward pass.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "covey/covey.hpp"
#include "kernels/device.hpp"
#include "kernels/vulkan_device.hpp"
#include "model/batch.hpp"
#include "model/exchange.hpp"
#include "model/layer_source.hpp"
#include "model/runner.hpp"
#include "model/shard.hpp"
#include "model/work.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

struct StageOptions {
  CpuOptions cpu;
  std::optional<VulkanOptions> vulkan;  ///< a Vulkan device computes, not the CPU
  /// Layers on the Vulkan device, the others on the CPU; 0: as many as its memory holds. Only of a whole model.
  std::int32_t vulkan_layers = 0;
  Shard shard;
  KvChoice kv = KvChoice::automatic;
  std::int32_t n_ctx = 0;         ///< longest sequence; 0: what the model was trained for, at most 4096
  std::int32_t max_tokens = 256;  ///< most tokens in one forward pass: prompts are cut in pieces of this many
  std::int32_t kv_tokens = 0;     ///< room of the KV cache in tokens, over all sequences; 0: n_ctx
  /// Most bytes of weights, activations (but logits) and KV cache on the CPU; layers that have no room are read from
  /// the file ahead of every use. 0: no limit.
  std::uint64_t memory_limit = 0;
  bool layers_from_source = false;       ///< under a memory limit: Stage::read_layers_from() will be called
  std::vector<LoraAdapter> lora;         ///< merged into the weights
  std::function<void(double)> progress;  ///< called while loading with the fraction done
};

/// What is known of the model from its file alone; the same on every rank.
struct ModelFacts {
  std::string architecture;
  std::string name;  ///< general.name, may be empty
  std::int32_t n_vocab = 0, n_embd = 0, n_layers = 0, n_ctx_train = 0, n_heads = 0, n_kv_heads = 0, n_ff = 0,
               head_dim = 0;
  std::uint64_t parameters = 0;
  std::uint64_t fingerprint = 0;  ///< hash of headers and of samples of every tensor: equal for equal files
};

/// Reads and checks the facts. Throws Error naming the file for an unknown architecture or unusable values.
ModelFacts model_facts(const GgufFile& file);

class Stage {
 public:
  /// `file` must outlive the stage. Throws Error: tensors missing or of the wrong shape, a shard that does not exist,
  /// an adapter that does not suit the model, …
  Stage(const GgufFile& file, const StageOptions& options);
  ~Stage();

  const RunnerLimits& limits() const;
  std::int32_t free_blocks() const;
  std::int32_t blocks_to_append(SequenceId sequence) const;
  std::int32_t length(SequenceId sequence) const;
  bool can_cut(SequenceId sequence, std::int32_t length) const;
  /// Bytes of weights, activations and KV cache.
  std::size_t memory_bytes() const;
  std::string device_description() const;
  /// See Device::take_operation_times().
  std::vector<OperationTime> take_operation_times();
  /// Of the adapters that were merged and their scales; 0 without. Equal on ranks that can work together.
  std::uint64_t adapters_fingerprint() const;
  /// Layers that have no room under the memory limit.
  std::vector<StreamedLayer> streamed_layers() const;
  /// See LayerStream::read_from(); nothing to do where all layers have room.
  void read_layers_from(LayerSource* source);
  /// What its forward passes cost at least.
  StageWork work() const;

  /// See Runner::forward. Logits come back only where the shard has the head; elsewhere the span is empty.
  std::span<const float> forward(const Batch& batch, Exchange& exchange);
  /// The same in two steps, for stages with all their layers on one device: a pipeline's first stage may start other
  /// passes before it finishes one, in the same order. A model of one stage finishes each before the next.
  struct Started {
    std::int32_t wanted = 0;     ///< rows of logits to come
    std::int32_t shortlist = 0;  ///< see Batch::shortlist
  };
  Started start(const Batch& batch, Exchange& exchange);
  std::span<const float> finish(Started pass, Exchange& exchange);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<Stage> rest_;  ///< the layers that the device has no room for; nullptr without
};

/// A whole model in this process.
class LocalRunner final : public Runner {
 public:
  /// `stage` must outlive the runner.
  explicit LocalRunner(Stage& stage) : stage_(stage) {}
  const RunnerLimits& limits() const override { return stage_.limits(); }
  std::int32_t free_blocks() const override { return stage_.free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return stage_.blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return stage_.length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return stage_.can_cut(sequence, length); }
  std::span<const float> forward(const Batch& batch) override { return stage_.forward(batch, alone_); }

 private:
  Stage& stage_;
  Exchange alone_;
};

}  // namespace covey
