// The inverse of converting, written for tests alone: a model of tests/data as its publisher would have it.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/edited_model.hpp"
#include "tests/model/made_checkpoint.hpp"

namespace covey {

/// Rows of each head from neighbours that turn together to two halves.
inline std::vector<float> apart(const std::vector<float>& values, std::uint64_t cols, std::uint64_t head_dim) {
  std::vector<float> result(values.size());
  const std::uint64_t heads = values.size() / (cols * head_dim);
  for (std::uint64_t head = 0; head < heads; ++head) {
    for (std::uint64_t pair = 0; pair < head_dim / 2; ++pair) {
      for (std::uint64_t half = 0; half < 2; ++half) {
        const std::uint64_t to = head * head_dim + half * (head_dim / 2) + pair;
        const std::uint64_t from = head * head_dim + 2 * pair + half;
        for (std::uint64_t c = 0; c < cols; ++c) result[to * cols + c] = values[from * cols + c];
      }
    }
  }
  return result;
}

class PublishedTwin {
 public:
  explicit PublishedTwin(const std::string& data, std::string model) : twin(data), model_(std::move(model)) {
    arch_ = std::get<std::string>(twin.metadata.at("general.architecture"));
    if (arch_ == "gemma3") {
      // A weight that 1 is taken from and added to may not be the same again.
      for (auto& [name, tensor] : twin.tensors) {
        if (!name.ends_with("norm.weight")) continue;
        for (float& value : tensor.values) value = (value - 1.0F) + 1.0F;
      }
    }
  }

  /// Of the model of tests/data; what the file doesn't say stays out.
  void write() {
    set_config();
    for (const auto& [name, tensor] : twin.tensors) {
      if (!name.starts_with("rope_")) checkpoint.tensors[published_name(name)] = published(name, tensor);
    }
    write_tokenizer();
    checkpoint.write(files);
  }

  float number(const std::string& key) { return std::get<float>(twin.metadata.at(arch_ + "." + key)); }
  std::uint32_t whole(const std::string& key) { return std::get<std::uint32_t>(twin.metadata.at(arch_ + "." + key)); }
  bool has(const std::string& key) { return twin.metadata.contains(arch_ + "." + key); }
  void set(const std::string& key, GgufValue value) { twin.metadata[arch_ + "." + key] = std::move(value); }
  std::uint32_t head_dim() {
    return has("attention.key_length") ? whole("attention.key_length")
                                       : whole("embedding_length") / whole("attention.head_count");
  }

  EditedModel twin;
  MadeCheckpoint checkpoint;
  std::size_t files = 1;

 private:
  void set_config() {
    PlainJson& config = checkpoint.config;
    config["architectures"] = {model_};
    config["hidden_size"] = whole("embedding_length");
    config["intermediate_size"] = whole("feed_forward_length");
    config["num_hidden_layers"] = whole("block_count");
    config["num_attention_heads"] = whole("attention.head_count");
    config["num_key_value_heads"] = whole("attention.head_count_kv");
    config["max_position_embeddings"] = whole("context_length");
    config["rms_norm_eps"] = number("attention.layer_norm_rms_epsilon");
    config["vocab_size"] = whole("vocab_size");
    config["rope_theta"] = number("rope.freq_base");
    config["hidden_act"] = arch_ == "gemma3" ? "gelu_pytorch_tanh" : "silu";
    config["torch_dtype"] = "float32";
    config["tie_word_embeddings"] = !twin.tensors.contains("output.weight");
    if (has("attention.key_length")) config["head_dim"] = whole("attention.key_length");
    if (arch_ == "gemma3") {
      config["query_pre_attn_scalar"] =
          has("attention.scale") ? 1 / std::pow(number("attention.scale"), 2) : head_dim();
    }
    if (has("attention.sliding_window")) config["sliding_window"] = whole("attention.sliding_window");
    if (has("rope.freq_base_swa")) config["rope_local_base_freq"] = number("rope.freq_base_swa");
  }

  std::string published_name(const std::string& name) const {
    const std::vector<std::pair<std::string, std::string>> names = {
        {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
    const std::vector<std::pair<std::string, std::string>> layer_names = {
        {"attn_norm", "input_layernorm"},
        {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},
        {"attn_v", "self_attn.v_proj"},
        {"attn_output", "self_attn.o_proj"},
        {"attn_qkv", "self_attn.qkv_proj"},
        {"attn_q_norm", "self_attn.q_norm"},
        {"attn_k_norm", "self_attn.k_norm"},
        {"ffn_gate", "mlp.gate_proj"},
        {"ffn_down", "mlp.down_proj"},
        {"post_attention_norm", "post_attention_layernorm"},
        {"post_ffw_norm", "post_feedforward_layernorm"},
        {"ffn_norm", arch_ == "gemma3" ? "pre_feedforward_layernorm" : "post_attention_layernorm"},
        {"ffn_up", arch_ == "phi3" ? "mlp.gate_up_proj" : "mlp.up_proj"}};
    const std::size_t dot = name.rfind('.');
    if (!name.starts_with("blk.")) return find(names, name.substr(0, dot)) + name.substr(dot);
    const std::size_t number_end = name.find('.', 4);
    return "model.layers." + name.substr(4, number_end - 4) + "." +
           find(layer_names, name.substr(number_end + 1, dot - number_end - 1)) + name.substr(dot);
  }
  static std::string find(const std::vector<std::pair<std::string, std::string>>& names, const std::string& name) {
    for (const auto& [gguf, published] : names) {
      if (gguf == name) return published;
    }
    return "unknown:" + name;
  }

  MadeCheckpoint::Tensor published(const std::string& name, const EditedModel::Tensor& tensor) {
    MadeCheckpoint::Tensor result{{tensor.dims.rbegin(), tensor.dims.rend()}, tensor.values};
    const bool turns = name.find("attn_q.") != std::string::npos || name.find("attn_k.") != std::string::npos;
    if (arch_ == "llama" && turns) {
      result.values = apart(tensor.values, tensor.dims.size() == 1 ? 1 : tensor.dims[0], head_dim());
    }
    if (arch_ == "gemma3" && name.ends_with("norm.weight")) {
      for (float& value : result.values) value -= 1.0F;
    }
    return result;
  }

  void write_tokenizer() {
    const auto items = [&]<class T>(const char* key, T) -> const std::vector<T>& {
      return std::get<std::vector<T>>(std::get<GgufArray>(twin.metadata.at(key)).items);
    };
    const auto& texts = items("tokenizer.ggml.tokens", std::string());
    const auto& scores = items("tokenizer.ggml.scores", 0.0F);
    const auto& types = items("tokenizer.ggml.token_type", std::int32_t{0});
    MadeSentencePiece model;
    for (std::size_t i = 0; i < texts.size(); ++i) model.piece(texts[i], scores[i], types[i]);
    model.trainer(3, 2);
    model.normalizer(4, 0);
    checkpoint.put("tokenizer.model", model.bytes());
  }

  std::string model_, arch_;
};

}  // namespace covey
