#include "model/hyper_params.hpp"

#include <cmath>
#include <string>

#include "covey/error.hpp"
#include "model/lora.hpp"

namespace covey {
namespace {

/// Reads "<architecture>.<name>" with a range check.
class Reader {
 public:
  Reader(const GgufFile& file, std::string_view arch) : file_(file), arch_(arch) {}

  std::int32_t integer(std::string_view name, std::int64_t low, std::int64_t high) const {
    const auto value = file_.integer(key(name));
    if (!value) throw Error(file_.path() + ": metadata key '" + key(name) + "' is missing");
    return checked(name, *value, low, high);
  }
  std::int32_t integer_or(std::string_view name, std::int32_t otherwise, std::int64_t low, std::int64_t high) const {
    const auto value = file_.integer(key(name));
    return value ? checked(name, *value, low, high) : otherwise;
  }
  /// A number, or an array that holds the same number for every layer.
  std::int32_t uniform_or(std::string_view name, std::int32_t otherwise, std::int64_t low, std::int64_t high) const {
    const auto* value = file_.find(key(name));
    if (value == nullptr || !std::holds_alternative<GgufArray>(*value)) return integer_or(name, otherwise, low, high);
    const auto items = file_.integers(key(name));
    if (!items || items->empty()) throw Error(file_.path() + ": metadata key '" + key(name) + "' is empty");
    for (const auto item : *items) {
      if (item != items->front()) {
        throw Error(file_.path() + ": metadata key '" + key(name) + "' differs between layers, which is not supported");
      }
    }
    return checked(name, items->front(), low, high);
  }
  float number_or(std::string_view name, float otherwise, double low, double high) const {
    const auto value = file_.number(key(name));
    if (!value) return otherwise;
    if (!(*value >= low && *value <= high)) {
      throw Error(file_.path() + ": metadata key '" + key(name) + "' is " + std::to_string(*value) + ", expected " +
                  std::to_string(low) + " to " + std::to_string(high));
    }
    return static_cast<float>(*value);
  }
  bool boolean_or(std::string_view name, bool otherwise) const { return file_.boolean(key(name)).value_or(otherwise); }
  const std::string* string(std::string_view name) const { return file_.string(key(name)); }
  [[noreturn]] void refuse(const std::string& what) const { throw Error(file_.path() + ": " + what); }

 private:
  std::string key(std::string_view name) const { return std::string(arch_) + "." + std::string(name); }
  std::int32_t checked(std::string_view name, std::int64_t value, std::int64_t low, std::int64_t high) const {
    if (value < low || value > high) {
      throw Error(file_.path() + ": metadata key '" + key(name) + "' is " + std::to_string(value) + ", expected " +
                  std::to_string(low) + " to " + std::to_string(high));
    }
    return static_cast<std::int32_t>(value);
  }

  const GgufFile& file_;
  std::string_view arch_;
};

RopeParams read_rope(const Reader& reader, const HyperParams& params) {
  RopeParams rope;
  rope.dims = reader.integer_or("rope.dimension_count", params.head_dim, 2, params.head_dim);
  if (rope.dims % 2 != 0) reader.refuse("rope.dimension_count is odd");
  rope.base = reader.number_or("rope.freq_base", 10000.0F, 1.0, 1e12);
  const std::string* type = reader.string("rope.scaling.type");
  // Files from before scaling.type name the linear factor alone.
  const float legacy = reader.number_or("rope.scale_linear", 1.0F, 1e-3, 1e6);
  rope.factor = reader.number_or("rope.scaling.factor", legacy, 1e-3, 1e6);
  rope.original_context =
      reader.integer_or("rope.scaling.original_context_length", params.n_ctx_train, 1, std::int64_t{1} << 30);
  rope.magnitude = reader.number_or("rope.scaling.attn_factor", 1.0F, 1e-3, 1e3);
  if (type == nullptr) {
    rope.scaling = rope.factor != 1.0F ? RopeScaling::linear : RopeScaling::none;
  } else if (*type == "none" || *type == "longrope") {  // the latter is all in its tensors of factors
    rope.factor = 1.0F;
  } else if (*type == "linear") {
    rope.scaling = RopeScaling::linear;
  } else if (*type == "yarn") {
    rope.scaling = RopeScaling::yarn;
    rope.yarn_extrapolation = reader.number_or("rope.scaling.yarn_ext_factor", 1.0F, 0.0, 1.0);
    rope.magnitude = reader.number_or("rope.scaling.yarn_attn_factor", rope.magnitude, 1e-3, 1e3);
    rope.yarn_beta_fast = reader.number_or("rope.scaling.yarn_beta_fast", 32.0F, 1e-3, 1e6);
    rope.yarn_beta_slow = reader.number_or("rope.scaling.yarn_beta_slow", 1.0F, 1e-3, 1e6);
  } else {
    reader.refuse("rope scaling '" + *type + "' is not supported (none, linear, yarn and longrope are)");
  }
  return rope;
}

RopeParams read_window_rope(const Reader& reader, const ArchSpec& spec, const RopeParams& rope) {
  if (spec.window_rope_base == 0) return rope;
  RopeParams own;
  own.dims = rope.dims;
  own.base = reader.number_or("rope.freq_base_swa", spec.window_rope_base, 1.0, 1e12);
  return own;
}

void read_experts(const Reader& reader, HyperParams& params) {
  params.n_experts = reader.integer_or("expert_count", 0, 0, 4096);
  if (params.n_experts == 0) return;
  params.n_experts_used = reader.integer("expert_used_count", 1, params.n_experts);
  params.normalise_experts = reader.boolean_or("expert_weights_norm", true);
  params.n_ff = reader.uniform_or("expert_feed_forward_length", params.n_ff, 1, 1 << 22);
}

void read_scales(const Reader& reader, const ArchSpec& spec, HyperParams& params) {
  const float own_embedding_scale = spec.scaled_embedding ? std::sqrt(static_cast<float>(params.n_embd)) : 1.0F;
  params.embedding_scale = reader.number_or("embedding_scale", own_embedding_scale, 1e-6, 1e6);
  params.residual_scale = reader.number_or("residual_scale", 1.0F, 1e-6, 1e6);
  params.logit_scale = 1.0F / reader.number_or("logit_scale", 1.0F, 1e-6, 1e6);
  params.logit_softcap = reader.number_or("final_logit_softcapping", spec.logit_softcap, 0.0, 1e6);
  const auto scaled_by = static_cast<float>(
      params.n_layers == spec.layers_of_wide_scale ? params.n_embd / params.n_heads : params.head_dim);
  params.attention_scale = reader.number_or("attention.scale", 1.0F / std::sqrt(scaled_by), 1e-6, 1e6);
  params.attention_softcap = reader.number_or("attn_logit_softcapping", spec.attention_softcap, 0.0, 1e6);
  params.window = reader.integer_or("attention.sliding_window", spec.window, 0, std::int64_t{1} << 30);
}

}  // namespace

std::int32_t HyperParams::dim(Dim dim) const {
  switch (dim) {
    case Dim::none:
      return 0;
    case Dim::one:
      return 1;
    case Dim::embd:
      return n_embd;
    case Dim::vocab:
      return n_vocab;
    case Dim::positions:
      return n_ctx_train;
    case Dim::head:
      return head_dim;
    case Dim::heads:
      return n_heads;
    case Dim::kv_heads:
      return n_kv_heads;
    case Dim::query:
      return n_heads * head_dim;
    case Dim::kv:
      return n_kv_heads * head_dim;
    case Dim::query_kv:
      return (n_heads + n_kv_heads) * head_dim;
    case Dim::qkv:
      return (n_heads + 2 * n_kv_heads) * head_dim;
    case Dim::ff:
      return n_ff;
    case Dim::ff_twice:
      return 2 * n_ff;
    case Dim::experts:
      return n_experts;
    case Dim::rope_pairs:
      return rope.dims / 2;
  }
  return 0;
}

const ArchSpec& read_architecture(const GgufFile& file) {
  if (is_adapter(file)) {
    throw Error(file.path() +
                ": is an adapter, not a model: open the model it was made for, and this beside it "
                "(--lora)");
  }
  const std::string* name = file.string("general.architecture");
  if (name == nullptr) throw Error(file.path() + ": metadata key 'general.architecture' is missing: not a model file?");
  const ArchSpec* spec = find_architecture(*name);
  if (spec == nullptr) {
    std::string known;
    for (const auto& arch : architectures()) known += (known.empty() ? "" : ", ") + std::string(arch.name);
    throw Error(file.path() + ": architecture '" + *name + "' is not supported; supported: " + known);
  }
  return *spec;
}

HyperParams read_hyper_params(const GgufFile& file, const ArchSpec& spec) {
  const Reader reader(file, spec.name);
  HyperParams params;
  params.n_embd = reader.integer("embedding_length", 1, 1 << 20);
  params.n_layers = reader.integer("block_count", 1, 10000);
  params.n_heads = reader.integer("attention.head_count", 1, 1 << 16);
  params.n_kv_heads = reader.uniform_or("attention.head_count_kv", params.n_heads, 1, params.n_heads);
  if (params.n_heads % params.n_kv_heads != 0) {
    reader.refuse(std::to_string(params.n_heads) + " heads cannot share " + std::to_string(params.n_kv_heads) +
                  " KV heads evenly");
  }
  params.head_dim = reader.integer_or("attention.key_length", params.n_embd / params.n_heads, 1, 1 << 14);
  if (params.head_dim < 1) reader.refuse("more heads than embedding dimensions");
  if (std::int64_t{params.n_heads} * params.head_dim > (1 << 28)) reader.refuse("heads of more than 2^28 dimensions");
  if (reader.integer_or("attention.value_length", params.head_dim, 1, 1 << 14) != params.head_dim) {
    reader.refuse("keys and values of different lengths are not supported");
  }
  params.n_ff = reader.uniform_or("feed_forward_length", 0, 0, 1 << 22);
  read_experts(reader, params);
  if (params.n_ff == 0) reader.refuse("metadata key '" + std::string(spec.name) + ".feed_forward_length' is missing");
  params.n_ctx_train = reader.integer("context_length", 1, std::int64_t{1} << 30);
  const char* const epsilon =
      spec.norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
  params.norm_epsilon = reader.number_or(epsilon, 1e-5F, 0.0, 1.0);
  read_scales(reader, spec, params);
  if (spec.rotary) params.rope = read_rope(reader, params);
  params.window_rope = read_window_rope(reader, spec, params.rope);

  const GgufTensor* embd = file.find_tensor("token_embd.weight");
  if (embd == nullptr) reader.refuse("tensor 'token_embd.weight' is missing: a vocabulary without a model?");
  if (embd->rows() > (std::uint64_t{1} << 24)) reader.refuse("the vocabulary is larger than 2^24 tokens");
  params.n_vocab = static_cast<std::int32_t>(embd->rows());
  return params;
}

}  // namespace covey
