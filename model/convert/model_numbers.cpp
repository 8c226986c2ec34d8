#include "model/convert/model_numbers.hpp"

#include <cmath>
#include <cstdint>

#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

class NumbersConverter {
 public:
  NumbersConverter(const ModelConfig& config, const ArchSpec& arch) : config_(config), arch_(arch) {}

  ModelNumbers run() {
    check_activation();
    set_dims();
    set_attention();
    set_window();
    convert_rope(config_, arch_, numbers_);
    return std::move(numbers_);
  }

 private:
  void set(std::string_view key, std::int64_t value) {
    numbers_.metadata.emplace_back(std::string(arch_.name) + "." + std::string(key), static_cast<std::uint32_t>(value));
  }
  void set(std::string_view key, double value) {
    numbers_.metadata.emplace_back(std::string(arch_.name) + "." + std::string(key), static_cast<float>(value));
  }
  std::int32_t dim(std::string_view key, std::int64_t high) const {
    return static_cast<std::int32_t>(config_.integer(key, 1, high));
  }

  void check_activation() const {
    for (const std::string_view key : {"hidden_act", "hidden_activation"}) {
      const JsonValue* const value = config_.find(key);
      if (value != nullptr && (value->string() == nullptr || *value->string() != config_.spec().activation)) {
        config_.fail("\"" + std::string(key) + "\" is not \"" + std::string(config_.spec().activation) +
                     "\", the only one that is supported for this model");
      }
    }
  }

  void set_dims() {
    HyperParams& dims = numbers_.dims;
    dims.n_embd = dim("hidden_size", 1 << 20);
    dims.n_layers = dim("num_hidden_layers", 10000);
    dims.n_ff = dim("intermediate_size", 1 << 22);
    dims.n_heads = dim("num_attention_heads", 1 << 16);
    dims.n_kv_heads =
        static_cast<std::int32_t>(config_.optional_integer("num_key_value_heads", 1, 1 << 16).value_or(dims.n_heads));
    if (dims.n_heads % dims.n_kv_heads != 0) config_.fail("the KV heads do not divide the heads");
    dims.n_ctx_train = dim("max_position_embeddings", 1 << 30);
    dims.head_dim = static_cast<std::int32_t>(
        config_.optional_integer("head_dim", 1, 1 << 14).value_or(dims.n_embd / dims.n_heads));
    if (dims.head_dim < 1) config_.fail("has more heads than embedding dimensions");
    set("context_length", std::int64_t{dims.n_ctx_train});
    set("embedding_length", std::int64_t{dims.n_embd});
    set("block_count", std::int64_t{dims.n_layers});
    set("feed_forward_length", std::int64_t{dims.n_ff});
    set("attention.head_count", std::int64_t{dims.n_heads});
    set("attention.head_count_kv", std::int64_t{dims.n_kv_heads});
    set("attention.key_length", std::int64_t{dims.head_dim});
    set("attention.value_length", std::int64_t{dims.head_dim});
    set("attention.layer_norm_rms_epsilon", config_.number("rms_norm_eps"));
  }

  void set_attention() {
    const std::optional<double> scaled_by = config_.optional_number("query_pre_attn_scalar");
    if (scaled_by && *scaled_by != numbers_.dims.head_dim) {
      if (!(*scaled_by > 0)) config_.fail("\"query_pre_attn_scalar\" is not above 0");
      set("attention.scale", 1.0 / std::sqrt(*scaled_by));
    }
    if (const auto cap = config_.optional_number("attn_logit_softcapping")) set("attn_logit_softcapping", *cap);
    if (const auto cap = config_.optional_number("final_logit_softcapping")) set("final_logit_softcapping", *cap);
    if (config_.flag("use_bidirectional_attention", false)) {
      config_.fail("\"use_bidirectional_attention\" is true: such models do not generate text");
    }
  }

  void set_window() {
    const ConfigWindow use = config_.spec().window;
    if (use == ConfigWindow::unused && config_.flag("use_sliding_window", false)) {
      config_.fail("\"use_sliding_window\" is true, which is not supported for this model");
    }
    std::optional<std::int64_t> window;
    if (use == ConfigWindow::always) window = config_.optional_integer("sliding_window", 1, 1 << 30);
    if (window) set("attention.sliding_window", *window);
    check_layers(window.has_value());
  }

  /// Which layers have a window is not in a GGUF file: it must be as the architecture has it.
  void check_layers(bool window) const {
    for (const std::string_view key : {"sliding_window_pattern", "_sliding_window_pattern"}) {
      const auto pattern = config_.optional_integer(key, 0, 1 << 16);
      if (pattern && *pattern != arch_.global_layers) {
        config_.fail("\"" + std::string(key) + "\" is " + std::to_string(*pattern) + ", only " +
                     std::to_string(arch_.global_layers) + " is supported");
      }
    }
    const JsonValue* const types = config_.find("layer_types");
    if (types == nullptr) return;
    if (types->array() == nullptr || types->array()->size() != static_cast<std::size_t>(numbers_.dims.n_layers)) {
      config_.fail("\"layer_types\" is no list with an entry for each layer");
    }
    for (std::int32_t layer = 0; layer < numbers_.dims.n_layers; ++layer) {
      const std::string* const type = (*types->array())[static_cast<std::size_t>(layer)].string();
      const char* const expected = window && arch_.has_window(layer) ? "sliding_attention" : "full_attention";
      if (type == nullptr || *type != expected) {
        config_.fail("layer " + std::to_string(layer) + " in \"layer_types\" is not \"" + expected +
                     "\", as it must be for this model");
      }
    }
  }

  const ModelConfig& config_;
  const ArchSpec& arch_;
  ModelNumbers numbers_;
};

}  // namespace

ModelNumbers convert_numbers(const ModelConfig& config, const ArchSpec& arch) {
  return NumbersConverter(config, arch).run();
}

}  // namespace covey
