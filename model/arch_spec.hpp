// Architectures as data. `forward` reads a spec and never asks for a model's name; adding an architecture is one entry
// in arch_spec.cpp. Tensors that are there turn their features on: norms, biases, experts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/device.hpp"

namespace covey {

/// What a tensor is for.
enum class Role : std::uint8_t {
  token_embd,
  position_embd,  ///< added to the embeddings
  output_norm,
  output_norm_bias,
  output,
  output_bias,
  rope_freqs,
  rope_factors_long,   ///< for contexts beyond the original one
  rope_factors_short,  ///< for others
  attn_norm,           ///< without it attention reads the residual stream as it is
  attn_norm_bias,
  attn_q,
  attn_k,
  attn_v,
  attn_q_bias,
  attn_k_bias,
  attn_v_bias,
  attn_q_norm,
  attn_k_norm,
  attn_output,
  attn_output_bias,
  attn_post_norm,  ///< of attention's output, before it joins the residual stream
  ffn_norm,        ///< without it the feed-forward layer reads what attention reads
  ffn_norm_bias,
  ffn_gate,  ///< without it there is no gate: the activation is of ffn_up
  ffn_up,
  ffn_down,
  ffn_gate_bias,
  ffn_up_bias,
  ffn_down_bias,
  ffn_router,
  ffn_post_norm,
};
inline constexpr std::size_t kRoleCount = static_cast<std::size_t>(Role::ffn_post_norm) + 1;

/// How a tensor is divided among tensor-parallel parts.
enum class Split : std::uint8_t {
  none,        ///< every part has all of it
  query_rows,  ///< rows by query heads
  kv_rows,     ///< rows by KV heads
  query_cols,  ///< columns by query heads: the product is a partial sum
  ff_rows,     ///< rows of the feed-forward layer
  ff_cols,     ///< columns of the feed-forward layer: the product is a partial sum
  first_part,  ///< only part 0 has it: added once to a partial sum
};

/// Dimensions of a tensor in terms of the model's own.
enum class Dim : std::uint8_t {
  none,  ///< 0
  one,
  embd,
  vocab,
  positions,
  head,      ///< dimensions of a head
  heads,     ///< how many
  kv_heads,  ///< how many
  query,     ///< all query heads' dimensions
  kv,        ///< all KV heads' dimensions
  query_kv,  ///< query + kv
  qkv,       ///< query + 2 kv
  ff,
  ff_twice,
  experts,
  rope_pairs,
};

enum class Scope : std::uint8_t {
  model,
  layer,
  expert,  ///< of a layer, and one for each expert, one after the other
};

/// Whether a model can do without a tensor.
enum class Need : std::uint8_t {
  always,
  optional,  ///< its presence turns the feature on
  either,    ///< another tensor of the list may give the role instead
  dense,     ///< in models without experts
  sparse,    ///< in models with experts
};

/// For a tensor that holds several: its rows (elements, for vectors) in all, and how many come before.
struct Within {
  Dim all = Dim::none;  ///< none: it holds nothing else
  Dim before = Dim::none;
};

struct TensorRule {
  std::string_view name;  ///< after "blk.N." unless it is the model's
  Role role;
  Scope scope;
  Dim rows;  ///< Dim::one for vectors; of one expert
  Dim cols;
  Split split = Split::none;
  Need need = Need::always;
  Within within = {};
  bool vector = rows == Dim::one;  ///< used as a vector, whatever its rows
};

/// What the norms of queries and keys go over.
enum class HeadNorm : std::uint8_t {
  head,  ///< each head
  all,   ///< all heads together
};

struct ArchSpec {
  std::string_view name;  ///< general.architecture, also the prefix of its metadata keys
  std::span<const TensorRule> tensors;
  NormKind norm = NormKind::rms;
  RopePairs rope = RopePairs::adjacent;
  Activation activation = Activation::silu;
  HeadNorm head_norm = HeadNorm::head;
  bool rotary = true;              ///< false: positions are embedded, nothing turns
  bool scaled_embedding = false;   ///< by sqrt(n_embd)
  std::int32_t still_layers = 0;   ///< of so many layers the last does not turn; 0: all turn
  std::int32_t global_layers = 0;  ///< of so many layers the last has no window; 0: all have it, if the model has one
  float window_rope_base = 0;      ///< layers with a window turn by this and never stretch; 0: as the others
  /// The one size, by its layers, that scales scores by the heads' share of n_embd instead of their own dimensions; no
  /// key of the file says so.
  std::int32_t layers_of_wide_scale = 0;
  // Where the file says nothing:
  std::int32_t window = 0;
  float attention_softcap = 0;
  float logit_softcap = 0;

  bool turns(std::int32_t layer) const { return rotary && (still_layers == 0 || (layer + 1) % still_layers != 0); }
  bool has_window(std::int32_t layer) const { return global_layers == 0 || (layer + 1) % global_layers != 0; }
};

std::span<const ArchSpec> architectures();
/// nullptr if there is none of this name.
const ArchSpec* find_architecture(std::string_view name);

}  // namespace covey
