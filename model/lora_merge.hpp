// LoRA adapters, merged into a model's matrices while these are loaded.
//
// A matrix of quantized weights becomes Q8_0: in four bits most of a small change would be lost in rounding. F32, F16
// and BF16 stay what they are. Each weight depends on its own row and column alone, and is summed in order of the
// rank: a shard's slices have the bits of the whole, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "covey/covey.hpp"
#include "kernels/cpu/thread_pool.hpp"
#include "kernels/device.hpp"
#include "model/arch_spec.hpp"
#include "model/hyper_params.hpp"
#include "model/lora.hpp"

namespace covey {

/// Rows and columns of a tensor, which are those of one expert at most and whole blocks.
struct MatrixPart {
  std::int64_t first_row = 0;  ///< of the tensor, experts one after the other
  std::int64_t rows = 0;
  std::int64_t first_col = 0;
  std::int64_t cols = 0;
};

struct MergedMatrix {
  std::vector<std::byte> bytes;
  MatrixView view;  ///< of `bytes`
};

class LoraMerge {
 public:
  /// Opens the adapters and checks that they suit the model, which must outlive the object. `cpu` gives the number of
  /// threads, and exact weights (then all are merged to F32). Throws Error naming the adapter and what is wrong:
  /// another architecture, a tensor that the model does not have or has in another shape, a scale that is not finite, …
  LoraMerge(const GgufFile& model, const ArchSpec& spec, const HyperParams& params,
            std::span<const LoraAdapter> adapters, const CpuOptions& cpu);

  bool changes(const GgufTensor& tensor) const { return changes_.contains(tensor.name); }
  /// `part` of a tensor that adapters change, neither rows nor columns of which are none, with their changes.
  MergedMatrix merge(const GgufTensor& tensor, const MatrixPart& part);

  /// Of the adapters and their scales; 0 without.
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  struct Change {
    LoraPair pair;
    float factor;  // scale * alpha / rank
  };

  TensorType merged_type(TensorType type) const;

  std::vector<GgufFile> files_;
  std::map<std::string, std::vector<Change>, std::less<>> changes_;  // by tensor, in order of the adapters
  std::uint64_t fingerprint_ = 0;
  bool exact_;
  std::optional<ThreadPool> pool_;
};

}  // namespace covey
