// The tensors of one shard, on a device.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "kernels/device.hpp"
#include "model/arch_spec.hpp"
#include "model/hyper_params.hpp"
#include "model/lora_merge.hpp"
#include "model/shard.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// This part's slice of every layer, in the model's own units. With more parts than KV heads several parts hold the
/// same KV head; an empty slice is allowed.
struct Slice {
  Range layers;   ///< of this stage
  Range queries;  ///< query heads
  Range kv;       ///< KV heads that those queries read
  Range ff;       ///< rows of the feed-forward layer
  Range head;     ///< rows of the head, tokens of the vocabulary, that this part holds: the first part all
  Range share;    ///< those that it computes where the parts share the head; empty where they don't
};

/// Cuts `shard` out of the model in granules of whole heads and whole quantization blocks. Throws Error for a stage or
/// part that does not exist, more stages than layers, or shares that don't fit.
Slice cut_slice(const GgufFile& file, const ArchSpec& spec, const HyperParams& params, const Shard& shard);

struct LayerWeights {
  std::array<MatrixHandle, kRoleCount> matrices;
  std::array<VectorHandle, kRoleCount> vectors;
  ExpertsSpec expert_matrices;  ///< empty without experts
  ExpertsHandle experts;

  MatrixHandle matrix(Role role) const { return matrices[static_cast<std::size_t>(role)]; }
  VectorHandle vector(Role role) const { return vectors[static_cast<std::size_t>(role)]; }
};

/// A matrix that its device knows, but does not hold, and where its weights are in the file.
struct AbsentMatrix {
  MatrixHandle matrix;
  MatrixView weights;
};

struct Weights {
  TableHandle embedding;                          ///< first stage only
  TableHandle positions;                          ///< first stage only; none if positions are not embedded
  LayerWeights model;                             ///< output, of slice.head, and its norm; none where that is empty
  std::vector<LayerWeights> layers;               ///< of this stage
  std::vector<MergedMatrix> merged;               ///< those that the device reads where they lie
  std::vector<std::vector<AbsentMatrix>> absent;  ///< by layer of this stage: what a LayerStream is to bring
};

/// Loads the shard's slice, changed by `adapters`; `stream`: the layers' matrices are left absent. `file` must outlive
/// the device. Throws Error naming file and tensor when one is missing or has another shape than the architecture says.
Weights load_weights(const GgufFile& file, const ArchSpec& spec, const HyperParams& params, const Shard& shard,
                     const Slice& slice, Device& device, LoraMerge& adapters, bool stream,
                     const std::function<void(double)>& progress);

/// The file's factors of rotary frequencies for sequences of up to `n_ctx` tokens; empty without. Throws Error.
std::vector<float> load_rope_factors(const GgufFile& file, const ArchSpec& spec, const HyperParams& params,
                                     std::int32_t n_ctx);

}  // namespace covey
