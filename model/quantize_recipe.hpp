// Which type each tensor of a quantized model gets.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Tensors of some layers that deserve another type than most.
struct MixtureRule {
  std::string_view tensor;  ///< after "blk.N."
  bool (*applies)(std::uint32_t layer, std::uint32_t layers);
  TensorType type;
};

/// A type for most tensors, and exceptions: the first rule that applies counts. Plain types are mixtures without rules.
struct Mixture {
  std::string_view name;
  TensorType base;
  std::span<const MixtureRule> rules;
};

/// Every type that can be written, and the mixtures of such types.
std::span<const Mixture> mixtures();

/// By name, letter case ignored; nullptr if there is none.
const Mixture* find_mixture(std::string_view name);

struct QuantizeRecipe {
  const Mixture* mixture = nullptr;
  std::optional<TensorType> output;     ///< of the output matrix, which otherwise gets at least Q6_K where that exists
  std::optional<TensorType> embedding;  ///< of the token embeddings
  std::vector<std::string> keep;        ///< tensors whose name contains one of these stay as they are
};

/// What becomes of one tensor.
struct TensorChoice {
  TensorType type;
  /// The type that was wanted, where rows are not whole blocks of it; `type` is the smallest of more bits that fits.
  std::optional<TensorType> wanted;
};

/// In the order of the file's tensors. Vectors stay as they are, and so do routers of experts. Throws Error for a
/// tensor that has to change from a type that can't be decoded, and for an adapter.
std::vector<TensorChoice> choose_types(const GgufFile& file, const QuantizeRecipe& recipe);

}  // namespace covey
