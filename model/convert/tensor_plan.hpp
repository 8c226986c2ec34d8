// Which tensors of a checkpoint become which of the GGUF file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/convert/checkpoint.hpp"
#include "model/convert/model_numbers.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {

struct PlannedTensor {
  std::string name;         ///< in the GGUF file
  CheckpointTensor source;  ///< nothing for one that is made
  std::vector<float> made;
  std::vector<std::uint64_t> dims;  ///< innermost first
  TensorType type = TensorType::f32;
  Change change = Change::none;
  std::uint64_t head_rows = 0;  ///< rows of a head, where they change places

  std::uint64_t cols() const { return dims[0]; }
  std::uint64_t rows() const { return dims.size() > 1 ? dims[1] : 1; }
  std::uint64_t bytes() const;
};

/// In the order in which they are written. `type`: of the matrices, unset to keep what each has; matrices whose rows
/// are not whole blocks of it get F16. Vectors are F32. Sets `numbers.dims.n_vocab`. Throws Error naming tensors that
/// are missing, unknown, of a wrong shape or of a type that can't be converted.
std::vector<PlannedTensor> plan_tensors(const Checkpoint& checkpoint, const ModelConfig& config, const ArchSpec& arch,
                                        ModelNumbers& numbers, std::optional<TensorType> type);

/// Reads, changes and converts a tensor a piece at a time.
void write_tensor(const PlannedTensor& tensor, const GgufWriter::Sink& sink);

}  // namespace covey
