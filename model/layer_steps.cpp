#include "model/layer_steps.hpp"

#include <algorithm>
#include <array>

#include "model/bands.hpp"

namespace covey {
namespace {

Role pre_norm(std::int32_t step) { return step % 2 == 0 ? Role::attn_norm : Role::ffn_norm; }
Role pre_norm_bias(std::int32_t step) { return step % 2 == 0 ? Role::attn_norm_bias : Role::ffn_norm_bias; }
Role post_norm(std::int32_t step) { return step % 2 == 0 ? Role::attn_post_norm : Role::ffn_post_norm; }

VectorHandle bias_of(const LayerWeights& w, std::optional<Role> bias) {
  return bias ? w.vector(*bias) : VectorHandle{};
}

/// The feed-forward layer without a norm of its own reads what attention read, side by side with it.
bool reads_beside_attention(const LayerWeights& w) { return !w.vector(Role::ffn_norm) && w.vector(Role::attn_norm); }

}  // namespace

NormSpec norm_of(const ArchSpec& spec, const HyperParams& params, const LayerWeights& w, Role weight,
                 std::optional<Role> bias, std::int32_t groups) {
  return {spec.norm, w.vector(weight), bias_of(w, bias), params.norm_epsilon, groups};
}

LayerSteps::LayerSteps(const ArchSpec& spec, const HyperParams& params, const Shard& shard, const Slice& slice,
                       const Weights& weights, Device& device, Ropes ropes)
    : spec_(spec), params_(params), shard_(shard), slice_(slice), weights_(weights), device_(device), ropes_(ropes) {
  attend_.heads = slice.queries.size();
  attend_.kv_heads = slice.kv.size();
  attend_.head_dim = params.head_dim;
  attend_.group = params.n_heads / params.n_kv_heads;
  attend_.first_query = slice.queries.first - slice.kv.first * attend_.group;
  attend_.scale = params.attention_scale;
  attend_.softcap = params.attention_softcap;
  const std::int32_t layers = slice.layers.size();
  for (std::int32_t layer = 0; layer < layers; ++layer) window_layers_ += windowed(layer) ? 1 : 0;
  std::int32_t next[] = {0, layers - window_layers_};
  for (std::int32_t layer = 0; layer < layers; ++layer) kv_layers_.push_back(next[windowed(layer) ? 1 : 0]++);
}

bool LayerSteps::windowed(std::int32_t layer) const {
  return params_.window > 0 && spec_.has_window(slice_.layers.first + layer);
}

std::span<const LayerSteps::EntryProduct> LayerSteps::entry(std::int32_t step) const {
  static constexpr EntryProduct kAttention[] = {{Role::attn_q, Role::attn_q_bias, Slot::q},
                                                {Role::attn_k, Role::attn_k_bias, Slot::k},
                                                {Role::attn_v, Role::attn_v_bias, Slot::v}};
  static constexpr EntryProduct kGated[] = {{Role::ffn_gate, Role::ffn_gate_bias, Slot::gate},
                                            {Role::ffn_up, Role::ffn_up_bias, Slot::up}};
  static constexpr EntryProduct kNotGated[] = {{Role::ffn_up, Role::ffn_up_bias, Slot::gate}};
  static constexpr EntryProduct kExperts[] = {{Role::ffn_router, {}, Slot::router}};
  if (step % 2 == 0) return kAttention;
  const LayerWeights& w = layer_of(step);
  if (w.experts) return kExperts;
  if (w.matrix(Role::ffn_gate)) return kGated;
  return kNotGated;
}

Slot LayerSteps::input(std::int32_t step) const {
  const LayerWeights& w = layer_of(step);
  const bool beside = step % 2 != 0 && reads_beside_attention(w);
  return beside || w.vector(pre_norm(step)) ? Slot::normed : Slot::residual;
}

void LayerSteps::enter(std::int32_t step) const {
  const LayerWeights& w = layer_of(step);
  if (use_layer_) use_layer_(step / 2);
  if (enters_by_columns(step)) {
    const std::int32_t width = band_width(params_.n_embd);
    for (std::int32_t first = 0; first < params_.n_embd; first += width) weigh_columns(step, first);
    return multiply_columns(step, {0, params_.n_embd});
  }
  if (w.vector(pre_norm(step))) norm(w, pre_norm(step), pre_norm_bias(step), 1, Slot::residual, Slot::normed);
  multiply_entry(step);
}

void LayerSteps::join_and_enter(std::int32_t step) const {
  const std::int32_t next = step + 1;
  if (next == count()) return join(step);
  const LayerWeights& w = layer_of(next);
  if (!w.vector(pre_norm(next)) || enters_by_columns(next)) {
    join(step);
    return enter(next);
  }
  prepare_to_join(step);
  if (use_layer_) use_layer_(next / 2);
  // Rows that something else than products reads, or another step, too, are wanted whole.
  const bool for_products = !w.experts && !reads_beside_attention(w);
  std::array<MatrixHandle, 3> readers;  // as many as an entry has at most
  std::size_t reader_count = 0;
  if (for_products) {
    for (const EntryProduct& product : entry(next)) readers[reader_count++] = w.matrix(product.matrix);
  }
  device_.add_norm(Slot::partial, Slot::residual, norm_of(spec_, params_, w, pre_norm(next), pre_norm_bias(next), 1),
                   std::span(readers).first(reader_count), Slot::normed);
  multiply_entry(next);
}

void LayerSteps::multiply_entry(std::int32_t step) const {
  const LayerWeights& w = layer_of(step);
  if (gates_at_entry(step)) {
    const GatedProducts products{w.matrix(Role::ffn_gate), w.matrix(Role::ffn_up), spec_.activation,
                                 w.matrix(Role::ffn_down)};
    return device_.gated_products(products, input(step), Slot::gate, Slot::up);
  }
  for (const EntryProduct& product : entry(step)) {
    device_.matmul(input(step), w.matrix(product.matrix), bias_of(w, product.bias), product.out);
  }
}

bool LayerSteps::gates_at_entry(std::int32_t step) const {
  const LayerWeights& w = layer_of(step);
  return step % 2 != 0 && !w.experts && w.matrix(Role::ffn_gate) && !w.vector(Role::ffn_gate_bias) &&
         !w.vector(Role::ffn_up_bias) && !enters_by_columns(step);
}

std::optional<Projection> LayerSteps::prepare(std::int32_t step, Exchange& exchange) {
  if (step % 2 == 0) return attention(step / 2, layer_of(step), exchange);
  return feed_forward(step, layer_of(step));
}

SumUse LayerSteps::use(std::int32_t step) const {
  return layer_of(step).vector(post_norm(step)) ? SumUse::normed : SumUse::residual;
}

void LayerSteps::join(std::int32_t step) const {
  prepare_to_join(step);
  device_.add(Slot::partial, Slot::residual);
}

void LayerSteps::prepare_to_join(std::int32_t step) const {
  if (use(step) == SumUse::normed) norm(layer_of(step), post_norm(step), {}, 1, Slot::partial, Slot::partial);
  if (params_.residual_scale != 1.0F) device_.scale(params_.residual_scale, Slot::partial);
}

// Else a piece would find the normed rows of another there, or a sum of another kind would come in between.
bool LayerSteps::can_overlap() const {
  return !std::ranges::any_of(weights_.layers, reads_beside_attention) && spec_.head_norm != HeadNorm::all;
}

bool LayerSteps::enters_by_columns(std::int32_t step) const {
  const LayerWeights& w = layer_of(step);
  return w.vector(pre_norm(step)) && std::ranges::all_of(entry(step), [&](const EntryProduct& product) {
           return device_.multiplies_columns(w.matrix(product.matrix));
         });
}

void LayerSteps::weigh_columns(std::int32_t step, std::int32_t first) const {
  const std::int32_t width = band_width(params_.n_embd);
  device_.weigh_columns(layer_of(step).vector(pre_norm(step)), Slot::residual, {first, first + width}, Slot::normed,
                        Slot::squares, first / width);
}

void LayerSteps::take_columns(std::int32_t step, std::span<const float> sums, std::int32_t first) const {
  device_.add_columns(sums, first, Slot::residual);
  weigh_columns(step, first);
}

void LayerSteps::multiply_columns(std::int32_t step, const Band& columns) const {
  const LayerWeights& w = layer_of(step);
  if (use_layer_) use_layer_(step / 2);
  for (const EntryProduct& product : entry(step)) {
    device_.matmul_columns(Slot::normed, w.matrix(product.matrix), columns, product.out);
  }
  if (columns.last < params_.n_embd) return;
  for (const EntryProduct& product : entry(step)) {
    device_.divide_by_norm(Slot::squares, params_.n_embd, params_.norm_epsilon, bias_of(w, product.bias), product.out);
  }
}

Projection LayerSteps::attention(std::int32_t layer, const LayerWeights& w, Exchange& exchange) {
  if (w.vector(Role::attn_q_norm)) norm_heads(w, exchange);
  if (spec_.turns(slice_.layers.first + layer)) {
    const RopeHandle turn = windowed(layer) ? ropes_.window : ropes_.all;
    device_.rope(turn, attend_.heads, params_.head_dim, Slot::q);
    device_.rope(turn, attend_.kv_heads, params_.head_dim, Slot::k);
  }
  const std::int32_t kv_layer = kv_layers_[static_cast<std::size_t>(layer)];
  device_.store_kv(kv_layer, Slot::k, Slot::v);
  attend_.window = windowed(layer) ? params_.window : 0;
  device_.attend(kv_layer, attend_, Slot::q, Slot::heads);
  return {Slot::heads, w.matrix(Role::attn_output), w.vector(Role::attn_output_bias)};
}

void LayerSteps::norm_heads(const LayerWeights& w, Exchange& exchange) const {
  if (spec_.head_norm == HeadNorm::head) {
    norm(w, Role::attn_q_norm, {}, attend_.heads, Slot::q, Slot::q);
    norm(w, Role::attn_k_norm, {}, attend_.kv_heads, Slot::k, Slot::k);
  } else if (shard_.parts == 1) {
    norm(w, Role::attn_q_norm, {}, 1, Slot::q, Slot::q);
    norm(w, Role::attn_k_norm, {}, 1, Slot::k, Slot::k);
  } else {
    norm_over_parts(w, exchange);
  }
}

// Over the heads of all parts: of a KV head that several hold, the part with its first query head counts the
// squares.
void LayerSteps::norm_over_parts(const LayerWeights& w, Exchange& exchange) const {
  const auto owner_from = [&](std::int32_t query) { return (query + attend_.group - 1) / attend_.group; };
  const std::int32_t first = (owner_from(slice_.queries.first) - slice_.kv.first) * params_.head_dim;
  const std::int32_t last = (owner_from(slice_.queries.last) - slice_.kv.first) * params_.head_dim;
  const bool none = slice_.kv.size() == 0;
  device_.square_sums(Slot::q, 0, attend_.heads * params_.head_dim, Slot::squares, 0);
  device_.square_sums(Slot::k, none ? 0 : first, none ? 0 : last, Slot::squares, 1);
  exchange.sum(device_.map(Slot::squares), SumUse::exact);
  device_.norm_by_sums(Slot::squares, 0, params_.dim(Dim::query), w.vector(Role::attn_q_norm), params_.norm_epsilon,
                       Slot::q);
  device_.norm_by_sums(Slot::squares, 1, params_.dim(Dim::kv), w.vector(Role::attn_k_norm), params_.norm_epsilon,
                       Slot::k);
}

std::optional<Projection> LayerSteps::feed_forward(std::int32_t step, const LayerWeights& w) const {
  if (w.experts) {
    device_.mix_experts(w.experts, input(step), Slot::router, Slot::partial);
    return {};
  }
  if (w.matrix(Role::ffn_gate)) {
    if (!gates_at_entry(step)) device_.gated(spec_.activation, Slot::gate, Slot::up);
  } else {
    device_.activate(spec_.activation, Slot::gate);
  }
  return Projection{Slot::gate, w.matrix(Role::ffn_down), w.vector(Role::ffn_down_bias)};
}

}  // namespace covey
