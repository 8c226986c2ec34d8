#include "model/arch_spec.hpp"

#include <algorithm>
#include <array>

namespace covey {
namespace {

using enum Role;
using enum Scope;

constexpr TensorRule kLlamaTensors[] = {
    {token_embd, model, "token_embd.weight", Dim::vocab, Dim::embd},
    {output_norm, model, "output_norm.weight", Dim::one, Dim::embd},
    {output, model, "output.weight", Dim::vocab, Dim::embd, Split::none, true},  // absent: tied to the embedding
    {rope_freqs, model, "rope_freqs.weight", Dim::one, Dim::rope_pairs, Split::none, true},
    {attn_norm, layer, "attn_norm.weight", Dim::one, Dim::embd},
    {attn_q, layer, "attn_q.weight", Dim::query, Dim::embd, Split::query_rows},
    {attn_k, layer, "attn_k.weight", Dim::kv, Dim::embd, Split::kv_rows},
    {attn_v, layer, "attn_v.weight", Dim::kv, Dim::embd, Split::kv_rows},
    {attn_q_bias, layer, "attn_q.bias", Dim::one, Dim::query, Split::query_rows, true},
    {attn_k_bias, layer, "attn_k.bias", Dim::one, Dim::kv, Split::kv_rows, true},
    {attn_v_bias, layer, "attn_v.bias", Dim::one, Dim::kv, Split::kv_rows, true},
    {attn_output, layer, "attn_output.weight", Dim::embd, Dim::query, Split::query_cols},
    {attn_output_bias, layer, "attn_output.bias", Dim::one, Dim::embd, Split::first_part, true},
    {ffn_norm, layer, "ffn_norm.weight", Dim::one, Dim::embd},
    {ffn_gate, layer, "ffn_gate.weight", Dim::ff, Dim::embd, Split::ff_rows},
    {ffn_up, layer, "ffn_up.weight", Dim::ff, Dim::embd, Split::ff_rows},
    {ffn_down, layer, "ffn_down.weight", Dim::embd, Dim::ff, Split::ff_cols},
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
