// LoRA adapters in GGUF: what a file of them holds (Hu et al. 2021, arXiv:2106.09685).
//
// For the model's tensor NAME it has NAME.lora_a and NAME.lora_b, of any weight format. With both as rows x columns:
//
//   W (out, in)   +=   scale * alpha / rank * B (out, rank) * A (rank, in)
//
// Of a tensor of experts each expert has its own A and B, one after the other, as the experts are.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

struct LoraPair {
  const GgufTensor* a = nullptr;  ///< (rank, in) of each expert
  const GgufTensor* b = nullptr;  ///< (out, rank) of each expert

  std::uint64_t rank() const { return b->cols(); }
};

struct LoraContents {
  std::string architecture;                            ///< of the model that it was trained for
  float alpha = 0;                                     ///< finite, not 0
  std::map<std::string, LoraPair, std::less<>> pairs;  ///< by the name of the model's tensor; at least one
};

/// Whether the file says that it is an adapter, of whatever kind.
bool is_adapter(const GgufFile& file);

/// Checks the file in itself. The result points to its tensors. Throws Error naming the file and what is wrong: no LoRA
/// adapter, alpha missing, half a pair, matrices that can't be multiplied, a tensor that is neither A nor B, …
LoraContents read_lora(const GgufFile& file);

}  // namespace covey
