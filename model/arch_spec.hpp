// Architectures as data. `forward` reads a spec and never asks for a model's name; adding an architecture is one entry
// in arch_spec.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/device.hpp"

namespace covey {

/// What a tensor is for.
enum class Role : std::uint8_t {
  token_embd,
  output_norm,
  output,
  rope_freqs,
  attn_norm,
  attn_q,
  attn_k,
  attn_v,
  attn_q_bias,
  attn_k_bias,
  attn_v_bias,
  attn_output,
  attn_output_bias,
  ffn_norm,
  ffn_gate,
  ffn_up,
  ffn_down,
};
inline constexpr std::size_t kRoleCount = static_cast<std::size_t>(Role::ffn_down) + 1;

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
enum class Dim : std::uint8_t { one, embd, vocab, query, kv, ff, rope_pairs };

enum class Scope : std::uint8_t { model, layer };

struct TensorRule {
  std::string_view name;  ///< after "blk.N." for Scope::layer
  Role role;
  Scope scope;
  Dim rows;  ///< Dim::one for vectors
  Dim cols;
  Split split = Split::none;
  bool optional = false;  ///< its presence turns the feature on
};

struct ArchSpec {
  std::string_view name;  ///< general.architecture, also the prefix of its metadata keys
  NormKind norm;
  RopePairs rope;
  Activation activation;
  std::span<const TensorRule> tensors;
};

std::span<const ArchSpec> architectures();
/// nullptr if there is none of this name.
const ArchSpec* find_architecture(std::string_view name);

}  // namespace covey
