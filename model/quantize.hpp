// Writes a model again with weights of other types.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/quantize_recipe.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// How far new weights are from the old ones.
struct WeightError {
  double squares = 0;         ///< sum of squared differences
  double weights = 0;         ///< sum of squared old weights
  float largest = 0;          ///< absolute difference; NaN if a weight is not finite
  std::uint64_t counted = 0;  ///< weights

  /// RMS of the differences over RMS of the old weights; 0 where both are 0.
  double relative() const;
  void add(const WeightError& other);
};

/// Of n weights.
WeightError weight_error(const float* before, const float* after, std::size_t n) noexcept;

struct QuantizedTensor {
  std::string name;
  TensorType from, to;
  std::optional<TensorType> wanted;  ///< see TensorChoice
  std::uint64_t bytes_before = 0, bytes_after = 0;
  WeightError error;  ///< all 0 for a tensor that was only copied
};

/// Types and sizes, without errors. Throws Error as choose_types.
std::vector<QuantizedTensor> plan_quantized(const GgufFile& file, const QuantizeRecipe& recipe);

/// Writes `file` to `path` by the recipe; metadata is kept, "general.file_type" set. Tensors are read, converted and
/// written a piece at a time, on `threads` threads (0: one a core). Throws Error naming the path: it is the file
/// itself, or can't be written. `progress` is called with (bytes written, bytes in all), in the calling thread, and may
/// throw.
std::vector<QuantizedTensor> write_quantized(const GgufFile& file, const std::string& path,
                                             const QuantizeRecipe& recipe, int threads,
                                             const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});

}  // namespace covey
