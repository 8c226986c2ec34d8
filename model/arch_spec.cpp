#include "model/arch_spec.hpp"

#include <algorithm>
#include <array>

namespace covey {
namespace {

using enum Role;
using enum Scope;
using enum Need;

/// Lists of tensors, one after the other.
template <std::size_t... N>
constexpr auto join(const TensorRule (&... lists)[N]) {
  std::array<TensorRule, (N + ...)> all{};
  auto* to = all.data();
  ((to = std::copy_n(lists, N, to)), ...);
  return all;
}

// -- Lists that architectures share -----------------------------------------------------------------------------------

constexpr TensorRule kEnds[] = {
    {"token_embd.weight", token_embd, model, Dim::vocab, Dim::embd},
    {"output_norm.weight", output_norm, model, Dim::one, Dim::embd},
    {"output.weight", output, model, Dim::vocab, Dim::embd, Split::none, optional},  // absent: tied to the embedding
    {"output.bias", output_bias, model, Dim::one, Dim::vocab, Split::none, optional},
};

constexpr TensorRule kRopeFactors[] = {
    {"rope_freqs.weight", rope_freqs, model, Dim::one, Dim::rope_pairs, Split::none, optional},
    {"rope_factors_long.weight", rope_factors_long, model, Dim::one, Dim::rope_pairs, Split::none, optional},
    {"rope_factors_short.weight", rope_factors_short, model, Dim::one, Dim::rope_pairs, Split::none, optional},
};

constexpr TensorRule kAttention[] = {
    {"attn_q.weight", attn_q, layer, Dim::query, Dim::embd, Split::query_rows, either},
    {"attn_k.weight", attn_k, layer, Dim::kv, Dim::embd, Split::kv_rows, either},
    {"attn_v.weight", attn_v, layer, Dim::kv, Dim::embd, Split::kv_rows, either},
    {"attn_q.bias", attn_q_bias, layer, Dim::one, Dim::query, Split::query_rows, optional},
    {"attn_k.bias", attn_k_bias, layer, Dim::one, Dim::kv, Split::kv_rows, optional},
    {"attn_v.bias", attn_v_bias, layer, Dim::one, Dim::kv, Split::kv_rows, optional},
    {"attn_output.weight", attn_output, layer, Dim::embd, Dim::query, Split::query_cols},
    {"attn_output.bias", attn_output_bias, layer, Dim::one, Dim::embd, Split::first_part, optional},
};

/// Queries, keys and values in one tensor.
constexpr TensorRule kFusedAttention[] = {
    {"attn_qkv.weight", attn_q, layer, Dim::query, Dim::embd, Split::query_rows, either, {Dim::qkv, Dim::none}},
    {"attn_qkv.weight", attn_k, layer, Dim::kv, Dim::embd, Split::kv_rows, either, {Dim::qkv, Dim::query}},
    {"attn_qkv.weight", attn_v, layer, Dim::kv, Dim::embd, Split::kv_rows, either, {Dim::qkv, Dim::query_kv}},
    {"attn_qkv.bias", attn_q_bias, layer, Dim::one, Dim::query, Split::query_rows, optional, {Dim::qkv, Dim::none}},
    {"attn_qkv.bias", attn_k_bias, layer, Dim::one, Dim::kv, Split::kv_rows, optional, {Dim::qkv, Dim::query}},
    {"attn_qkv.bias", attn_v_bias, layer, Dim::one, Dim::kv, Split::kv_rows, optional, {Dim::qkv, Dim::query_kv}},
};

constexpr TensorRule kAttentionNorm[] = {{"attn_norm.weight", attn_norm, layer, Dim::one, Dim::embd}};
constexpr TensorRule kFfnNorm[] = {{"ffn_norm.weight", ffn_norm, layer, Dim::one, Dim::embd}};

constexpr TensorRule kHeadNorms[] = {
    {"attn_q_norm.weight", attn_q_norm, layer, Dim::one, Dim::head},
    {"attn_k_norm.weight", attn_k_norm, layer, Dim::one, Dim::head},
};

constexpr TensorRule kPostNorms[] = {
    {"post_attention_norm.weight", attn_post_norm, layer, Dim::one, Dim::embd},
    {"post_ffw_norm.weight", ffn_post_norm, layer, Dim::one, Dim::embd},
};

constexpr TensorRule kGatedFfn[] = {
    {"ffn_gate.weight", ffn_gate, layer, Dim::ff, Dim::embd, Split::ff_rows, dense},
    {"ffn_up.weight", ffn_up, layer, Dim::ff, Dim::embd, Split::ff_rows, dense},
    {"ffn_down.weight", ffn_down, layer, Dim::embd, Dim::ff, Split::ff_cols, dense},
    {"ffn_gate.bias", ffn_gate_bias, layer, Dim::one, Dim::ff, Split::ff_rows, optional},
    {"ffn_up.bias", ffn_up_bias, layer, Dim::one, Dim::ff, Split::ff_rows, optional},
    {"ffn_down.bias", ffn_down_bias, layer, Dim::one, Dim::embd, Split::first_part, optional},
};

constexpr TensorRule kPlainFfn[] = {
    {"ffn_up.weight", ffn_up, layer, Dim::ff, Dim::embd, Split::ff_rows},
    {"ffn_down.weight", ffn_down, layer, Dim::embd, Dim::ff, Split::ff_cols},
    {"ffn_up.bias", ffn_up_bias, layer, Dim::one, Dim::ff, Split::ff_rows, optional},
    {"ffn_down.bias", ffn_down_bias, layer, Dim::one, Dim::embd, Split::first_part, optional},
};

constexpr TensorRule kExperts[] = {
    {"ffn_gate_inp.weight", ffn_router, layer, Dim::experts, Dim::embd, Split::none, sparse},
    {"ffn_gate_exps.weight", ffn_gate, expert, Dim::ff, Dim::embd, Split::ff_rows, sparse},
    {"ffn_up_exps.weight", ffn_up, expert, Dim::ff, Dim::embd, Split::ff_rows, sparse},
    {"ffn_down_exps.weight", ffn_down, expert, Dim::embd, Dim::ff, Split::ff_cols, sparse},
};

// Of layer norms, which all have them.
constexpr TensorRule kNormBiases[] = {
    {"output_norm.bias", output_norm_bias, model, Dim::one, Dim::embd},
    {"attn_norm.bias", attn_norm_bias, layer, Dim::one, Dim::embd},
};
constexpr TensorRule kFfnNormBias[] = {{"ffn_norm.bias", ffn_norm_bias, layer, Dim::one, Dim::embd}};

// -- Lists of one architecture ----------------------------------------------------------------------------------------

constexpr TensorRule kPhi3Ffn[] = {
    {"ffn_up.weight", ffn_gate, layer, Dim::ff, Dim::embd, Split::ff_rows, always, {Dim::ff_twice, Dim::none}},
    {"ffn_up.weight", ffn_up, layer, Dim::ff, Dim::embd, Split::ff_rows, always, {Dim::ff_twice, Dim::ff}},
    {"ffn_down.weight", ffn_down, layer, Dim::embd, Dim::ff, Split::ff_cols},
};

constexpr TensorRule kOlmo2Norms[] = {
    {"attn_q_norm.weight", attn_q_norm, layer, Dim::one, Dim::query, Split::query_rows},
    {"attn_k_norm.weight", attn_k_norm, layer, Dim::one, Dim::kv, Split::kv_rows},
};

constexpr TensorRule kGpt2Positions[] = {
    {"position_embd.weight", position_embd, model, Dim::positions, Dim::embd},
};

// Sizes differ: some have norms of queries and keys, with weights for each head, and then no norm before the
// feed-forward layer.
constexpr TensorRule kStableLmNorms[] = {
    {"attn_q_norm.weight", attn_q_norm, layer, Dim::heads, Dim::head, Split::query_rows, optional, {}, true},
    {"attn_k_norm.weight", attn_k_norm, layer, Dim::kv_heads, Dim::head, Split::kv_rows, optional, {}, true},
    {"ffn_norm.weight", ffn_norm, layer, Dim::one, Dim::embd, Split::none, optional},
    {"ffn_norm.bias", ffn_norm_bias, layer, Dim::one, Dim::embd, Split::none, optional},
};

// -- Architectures ----------------------------------------------------------------------------------------------------

constexpr auto kLlamaTensors = join(kEnds, kRopeFactors, kAttentionNorm, kAttention, kFfnNorm, kGatedFfn, kExperts);
constexpr auto kQwen3Tensors =
    join(kEnds, kRopeFactors, kAttentionNorm, kAttention, kHeadNorms, kFfnNorm, kGatedFfn, kExperts);
constexpr auto kGemma2Tensors = join(kEnds, kAttentionNorm, kAttention, kFfnNorm, kGatedFfn, kPostNorms);
constexpr auto kGemma3Tensors = join(kEnds, kAttentionNorm, kAttention, kHeadNorms, kFfnNorm, kGatedFfn, kPostNorms);
constexpr auto kPhi3Tensors =
    join(kEnds, kRopeFactors, kAttentionNorm, kAttention, kFusedAttention, kFfnNorm, kPhi3Ffn);
constexpr auto kOlmo2Tensors = join(kEnds, kAttention, kOlmo2Norms, kGatedFfn, kPostNorms);
constexpr auto kPhi2Tensors = join(kEnds, kNormBiases, kAttentionNorm, kAttention, kFusedAttention, kPlainFfn);
constexpr auto kGpt2Tensors = join(kEnds, kGpt2Positions, kNormBiases, kAttentionNorm, kAttention, kFusedAttention,
                                   kFfnNorm, kFfnNormBias, kPlainFfn);
constexpr auto kStableLmTensors = join(kEnds, kNormBiases, kAttentionNorm, kAttention, kStableLmNorms, kGatedFfn);

constexpr ArchSpec kArchitectures[] = {
    {.name = "llama", .tensors = kLlamaTensors},
    {.name = "qwen2", .tensors = kLlamaTensors, .rope = RopePairs::halves},
    {.name = "qwen3", .tensors = kQwen3Tensors, .rope = RopePairs::halves},
    {.name = "qwen3moe", .tensors = kQwen3Tensors, .rope = RopePairs::halves},
    {.name = "gemma",
     .tensors = kLlamaTensors,
     .rope = RopePairs::halves,
     .activation = Activation::gelu,
     .scaled_embedding = true},
    {.name = "gemma2",
     .tensors = kGemma2Tensors,
     .rope = RopePairs::halves,
     .activation = Activation::gelu,
     .scaled_embedding = true,
     .global_layers = 2,
     .layers_of_wide_scale = 46,
     .window = 4096,
     .attention_softcap = 50.0F,
     .logit_softcap = 30.0F},
    {.name = "gemma3",
     .tensors = kGemma3Tensors,
     .rope = RopePairs::halves,
     .activation = Activation::gelu,
     .scaled_embedding = true,
     .global_layers = 6,
     .window_rope_base = 10000.0F,
     .layers_of_wide_scale = 62},
    {.name = "phi3", .tensors = kPhi3Tensors, .rope = RopePairs::halves},
    {.name = "smollm3", .tensors = kLlamaTensors, .still_layers = 4},
    {.name = "granite", .tensors = kLlamaTensors},
    {.name = "olmo2",
     .tensors = kOlmo2Tensors,
     .rope = RopePairs::halves,
     .head_norm = HeadNorm::all,
     .global_layers = 4},
    {.name = "phi2",
     .tensors = kPhi2Tensors,
     .norm = NormKind::layer,
     .rope = RopePairs::halves,
     .activation = Activation::gelu},
    {.name = "gpt2", .tensors = kGpt2Tensors, .norm = NormKind::layer, .activation = Activation::gelu, .rotary = false},
    {.name = "stablelm", .tensors = kStableLmTensors, .norm = NormKind::layer, .rope = RopePairs::halves},
};

}  // namespace

std::span<const ArchSpec> architectures() { return kArchitectures; }

const ArchSpec* find_architecture(std::string_view name) {
  const auto* const found = std::ranges::find(kArchitectures, name, &ArchSpec::name);
  return found == std::end(kArchitectures) ? nullptr : found;
}

}  // namespace covey
