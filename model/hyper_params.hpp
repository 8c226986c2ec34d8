// A model's numbers, read from its metadata and checked.
#pragma once

#include <cstdint>

#include "model/arch_spec.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// How rotary embedding is stretched beyond the trained context.
enum class RopeScaling : std::uint8_t { none, linear, yarn };

struct RopeParams {
  std::int32_t dims = 0;  ///< leading dimensions of a head that turn, even
  float base = 10000.0F;  ///< frequency of pair i: base^(-2i/dims)
  RopeScaling scaling = RopeScaling::none;
  float factor = 1.0F;                ///< how many times the context is stretched
  std::int32_t original_context = 0;  ///< context before stretching
  float yarn_extrapolation = 1.0F;    ///< yarn: 1 mixes fully, 0 is linear scaling
  float magnitude = 1.0F;             ///< of what turns; yarn has a factor of its own besides
  float yarn_beta_fast = 32.0F;       ///< yarn: pairs that turn more often in the original context are not stretched
  float yarn_beta_slow = 1.0F;        ///< yarn: pairs that turn less often are stretched fully
};

struct HyperParams {
  std::int32_t n_vocab = 0;
  std::int32_t n_embd = 0;
  std::int32_t n_layers = 0;
  std::int32_t n_heads = 0;
  std::int32_t n_kv_heads = 0;
  std::int32_t head_dim = 0;
  std::int32_t n_ff = 0;
  std::int32_t n_ctx_train = 0;
  std::int32_t n_experts = 0;  ///< 0: the feed-forward layers are single ones, else n_ff is an expert's
  std::int32_t n_experts_used = 0;
  bool normalise_experts = true;  ///< whether the weights of a token's experts add up to 1
  float norm_epsilon = 1e-5F;
  float embedding_scale = 1.0F;
  float residual_scale = 1.0F;     ///< of what attention and feed-forward layers add
  float attention_scale = 1.0F;    ///< of q . k
  float attention_softcap = 0.0F;  ///< of scores; 0: none
  float logit_scale = 1.0F;
  float logit_softcap = 0.0F;  ///< 0: none
  std::int32_t window = 0;     ///< positions that layers with a window see; 0: all of them
  RopeParams rope;
  RopeParams window_rope;  ///< of layers with a window

  std::int32_t dim(Dim dim) const;  ///< rows or columns of a tensor
};

/// Throws Error naming the file and the key that is missing or out of range, or the architecture if it is not
/// supported.
const ArchSpec& read_architecture(const GgufFile& file);
HyperParams read_hyper_params(const GgufFile& file, const ArchSpec& spec);

}  // namespace covey
