#include "model/convert/convert_spec.hpp"

#include <algorithm>
#include <array>

namespace covey {
namespace {

template <std::size_t... N>
constexpr auto join_rules(const ConvertRule (&... lists)[N]) {
  std::array<ConvertRule, (N + ...)> all{};
  auto* to = all.data();
  ((to = std::copy_n(lists, N, to)), ...);
  return all;
}

// -- Lists that models share ------------------------------------------------------------------------------------------

constexpr ConvertRule kMatricesAtEnds[] = {
    {.from = "model.embed_tokens.weight", .to = "token_embd.weight", .layer = false},
    {.from = "lm_head.weight", .to = "output.weight", .layer = false},
};
constexpr ConvertRule kNorms[] = {
    {.from = "model.norm.weight", .to = "output_norm.weight", .layer = false},
    {.from = "input_layernorm.weight", .to = "attn_norm.weight"},
    {.from = "post_attention_layernorm.weight", .to = "ffn_norm.weight"},
};
constexpr ConvertRule kAttentionOutput[] = {
    {.from = "self_attn.o_proj.weight", .to = "attn_output.weight"},
    {.from = "self_attn.o_proj.bias", .to = "attn_output.bias"},
};
constexpr ConvertRule kQueriesKeysValues[] = {
    {.from = "self_attn.q_proj.weight", .to = "attn_q.weight"},
    {.from = "self_attn.k_proj.weight", .to = "attn_k.weight"},
    {.from = "self_attn.v_proj.weight", .to = "attn_v.weight"},
};
constexpr ConvertRule kFfn[] = {
    {.from = "mlp.gate_proj.weight", .to = "ffn_gate.weight"},
    {.from = "mlp.up_proj.weight", .to = "ffn_up.weight"},
    {.from = "mlp.down_proj.weight", .to = "ffn_down.weight"},
};

// -- Lists of one model -----------------------------------------------------------------------------------------------

constexpr ConvertRule kLlamaQueriesKeysValues[] = {
    {.from = "self_attn.q_proj.weight", .to = "attn_q.weight", .change = Change::interleave_queries},
    {.from = "self_attn.k_proj.weight", .to = "attn_k.weight", .change = Change::interleave_keys},
    {.from = "self_attn.v_proj.weight", .to = "attn_v.weight"},
    {.from = "self_attn.q_proj.bias", .to = "attn_q.bias", .change = Change::interleave_queries},
    {.from = "self_attn.k_proj.bias", .to = "attn_k.bias", .change = Change::interleave_keys},
    {.from = "self_attn.v_proj.bias", .to = "attn_v.bias"},
};
constexpr ConvertRule kLlamaFfnBiases[] = {
    {.from = "mlp.gate_proj.bias", .to = "ffn_gate.bias"},
    {.from = "mlp.up_proj.bias", .to = "ffn_up.bias"},
    {.from = "mlp.down_proj.bias", .to = "ffn_down.bias"},
};
constexpr ConvertRule kQwen2Biases[] = {
    {.from = "self_attn.q_proj.bias", .to = "attn_q.bias", .must = true},
    {.from = "self_attn.k_proj.bias", .to = "attn_k.bias", .must = true},
    {.from = "self_attn.v_proj.bias", .to = "attn_v.bias", .must = true},
};
constexpr ConvertRule kQwen3Biases[] = {
    {.from = "self_attn.q_proj.bias", .to = "attn_q.bias"},
    {.from = "self_attn.k_proj.bias", .to = "attn_k.bias"},
    {.from = "self_attn.v_proj.bias", .to = "attn_v.bias"},
};
constexpr ConvertRule kQwen3HeadNorms[] = {
    {.from = "self_attn.q_norm.weight", .to = "attn_q_norm.weight"},
    {.from = "self_attn.k_norm.weight", .to = "attn_k_norm.weight"},
};
constexpr ConvertRule kGemma3Norms[] = {
    {.from = "model.norm.weight", .to = "output_norm.weight", .layer = false, .change = Change::add_one},
    {.from = "input_layernorm.weight", .to = "attn_norm.weight", .change = Change::add_one},
    {.from = "self_attn.q_norm.weight", .to = "attn_q_norm.weight", .change = Change::add_one},
    {.from = "self_attn.k_norm.weight", .to = "attn_k_norm.weight", .change = Change::add_one},
    {.from = "post_attention_layernorm.weight", .to = "post_attention_norm.weight", .change = Change::add_one},
    {.from = "pre_feedforward_layernorm.weight", .to = "ffn_norm.weight", .change = Change::add_one},
    {.from = "post_feedforward_layernorm.weight", .to = "post_ffw_norm.weight", .change = Change::add_one},
};
constexpr ConvertRule kPhi3Fused[] = {
    {.from = "self_attn.qkv_proj.weight", .to = "attn_qkv.weight"},
    {.from = "mlp.gate_up_proj.weight", .to = "ffn_up.weight"},
    {.from = "mlp.down_proj.weight", .to = "ffn_down.weight"},
};

// What these models' configurations have where a file says nothing.
constexpr ConfigDefault kGemma3Defaults[] = {
    {"hidden_size", 2304},      {"intermediate_size", 9216},         {"num_hidden_layers", 26},
    {"num_attention_heads", 8}, {"num_key_value_heads", 4},          {"head_dim", 256},
    {"rms_norm_eps", 1e-6},     {"max_position_embeddings", 131072}, {"rope_theta", 1e6},
    {"sliding_window", 4096},   {"query_pre_attn_scalar", 256},      {"rope_local_base_freq", 1e4},
};
constexpr NamePrefix kGemma3Prefixes[] = {{"language_model.", ""}, {"model.language_model.", "model."}};
constexpr std::string_view kGemma3LeftOut[] = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                               "model.multi_modal_projector."};

// -- Models -----------------------------------------------------------------------------------------------------------

constexpr auto kLlamaRules =
    join_rules(kMatricesAtEnds, kNorms, kLlamaQueriesKeysValues, kAttentionOutput, kFfn, kLlamaFfnBiases);
constexpr auto kQwen2Rules =
    join_rules(kMatricesAtEnds, kNorms, kQueriesKeysValues, kQwen2Biases, kAttentionOutput, kFfn);
constexpr auto kQwen3Rules =
    join_rules(kMatricesAtEnds, kNorms, kQueriesKeysValues, kQwen3Biases, kQwen3HeadNorms, kAttentionOutput, kFfn);
constexpr auto kGemma3Rules = join_rules(kMatricesAtEnds, kGemma3Norms, kQueriesKeysValues, kAttentionOutput, kFfn);
constexpr auto kPhi3Rules = join_rules(kMatricesAtEnds, kNorms, kAttentionOutput, kPhi3Fused);

constexpr ConvertSpec kSpecs[] = {
    {.model = "LlamaForCausalLM", .architecture = "llama", .tensors = kLlamaRules},
    {.model = "MistralForCausalLM", .architecture = "llama", .tensors = kLlamaRules, .window = ConfigWindow::always},
    {.model = "Qwen2ForCausalLM", .architecture = "qwen2", .tensors = kQwen2Rules, .window = ConfigWindow::unused},
    {.model = "Qwen3ForCausalLM", .architecture = "qwen3", .tensors = kQwen3Rules, .window = ConfigWindow::unused},
    {.model = "Gemma3ForCausalLM",
     .architecture = "gemma3",
     .tensors = kGemma3Rules,
     .activation = "gelu_pytorch_tanh",
     .defaults = kGemma3Defaults,
     .tied = true,
     .window = ConfigWindow::always},
    {.model = "Gemma3ForConditionalGeneration",
     .architecture = "gemma3",
     .tensors = kGemma3Rules,
     .activation = "gelu_pytorch_tanh",
     .defaults = kGemma3Defaults,
     .tied = true,
     .window = ConfigWindow::always,
     .section = "text_config",
     .prefixes = kGemma3Prefixes,
     .left_out = kGemma3LeftOut},
    {.model = "Phi3ForCausalLM", .architecture = "phi3", .tensors = kPhi3Rules, .window = ConfigWindow::always},
};

}  // namespace

std::span<const ConvertSpec> convert_specs() { return kSpecs; }

const ConvertSpec* find_convert_spec(std::string_view model) {
  const auto* const found = std::ranges::find(kSpecs, model, &ConvertSpec::model);
  return found == std::end(kSpecs) ? nullptr : found;
}

std::string known_models() {
  std::string all;
  for (const ConvertSpec& spec : kSpecs) all.append(all.empty() ? "" : ", ").append(spec.model);
  return all;
}

bool is_computed_tensor(std::string_view name) { return name.ends_with(".rotary_emb.inv_freq"); }

}  // namespace covey
