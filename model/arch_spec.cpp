#include "model/arch_spec.hpp"

#include <algorithm>
#include <array>

namespace covey {
namespace {

using enum Role;
using enum Scope;

constexpr TensorRule kLlamaTensors[] = {
    {"token_embd.weight", token_embd, model, Dim::vocab, Dim::embd},
    {"output_norm.weight", output_norm, model, Dim::one, Dim::embd},
    {"output.weight", output, model, Dim::vocab, Dim::embd, Split::none, true},  // absent: tied to the embedding
    {"rope_freqs.weight", rope_freqs, model, Dim::one, Dim::rope_pairs, Split::none, true},
    {"attn_norm.weight", attn_norm, layer, Dim::one, Dim::embd},
    {"attn_q.weight", attn_q, layer, Dim::query, Dim::embd, Split::query_rows},
    {"attn_k.weight", attn_k, layer, Dim::kv, Dim::embd, Split::kv_rows},
    {"attn_v.weight", attn_v, layer, Dim::kv, Dim::embd, Split::kv_rows},
    {"attn_q.bias", attn_q_bias, layer, Dim::one, Dim::query, Split::query_rows, true},
    {"attn_k.bias", attn_k_bias, layer, Dim::one, Dim::kv, Split::kv_rows, true},
    {"attn_v.bias", attn_v_bias, layer, Dim::one, Dim::kv, Split::kv_rows, true},
    {"attn_output.weight", attn_output, layer, Dim::embd, Dim::query, Split::query_cols},
    {"attn_output.bias", attn_output_bias, layer, Dim::one, Dim::embd, Split::first_part, true},
    {"ffn_norm.weight", ffn_norm, layer, Dim::one, Dim::embd},
    {"ffn_gate.weight", ffn_gate, layer, Dim::ff, Dim::embd, Split::ff_rows},
    {"ffn_up.weight", ffn_up, layer, Dim::ff, Dim::embd, Split::ff_rows},
    {"ffn_down.weight", ffn_down, layer, Dim::embd, Dim::ff, Split::ff_cols},
};

constexpr ArchSpec kArchitectures[] = {
    {"llama", NormKind::rms, RopePairs::adjacent, Activation::silu, kLlamaTensors},
};

}  // namespace

std::span<const ArchSpec> architectures() { return kArchitectures; }

const ArchSpec* find_architecture(std::string_view name) {
  const auto* const found = std::ranges::find(kArchitectures, name, &ArchSpec::name);
  return found == std::end(kArchitectures) ? nullptr : found;
}

}  // namespace covey
