#include "model/stage.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <vector>

#include "covey/error.hpp"
#include "kernels/shortlist.hpp"
#include "model/device_layers.hpp"
#include "model/kv_cache.hpp"
#include "model/layer_stream.hpp"
#include "model/lora_merge.hpp"
#include "model/overlapped_pass.hpp"
#include "model/rope.hpp"
#include "model/stage_limits.hpp"
#include "model/weights.hpp"

namespace covey {

struct Stage::Impl {
  using Started = Stage::Started;

  Impl(const GgufFile& file, const StageOptions& options)
      : spec(read_architecture(file)),
        params(read_hyper_params(file, spec)),
        shard(options.shard),
        slice(cut_slice(file, spec, params, shard)),
        limits(stage_limits(spec, params, options)),
        cache(limits),
        device(options.vulkan ? make_vulkan_device(*options.vulkan) : make_cpu_device(options.cpu)) {
    if (spec.rotary) {
      const std::vector<float> factors = load_rope_factors(file, spec, params, limits.n_ctx);
      rope = device->add_rope(make_rope(params.rope, spec.rope, factors));
      const bool same = spec.window_rope_base == 0 || params.window == 0;
      window_rope = same ? rope : device->add_rope(make_rope(params.window_rope, spec.rope, {}));
    }
    attend.heads = slice.queries.size();
    attend.kv_heads = slice.kv.size();
    attend.head_dim = params.head_dim;
    attend.group = params.n_heads / params.n_kv_heads;
    attend.first_query = slice.queries.first - slice.kv.first * attend.group;
    attend.scale = params.attention_scale;
    attend.softcap = params.attention_softcap;
    kv_layout = {slice.layers.size(), attend.kv_heads,     params.head_dim,
                 limits.blocks,       limits.block_tokens, stored_kv_type(file, options.kv)};
    number_kv_layers();
    device->reserve_kv(kv_layout);
    reserve_slots();
    load(file, options);
  }

  void load(const GgufFile& file, const StageOptions& options) {
    LoraMerge adapters(file, spec, params, options.lora, options.cpu);
    adapters_fingerprint = adapters.fingerprint();
    const bool limited = options.memory_limit > 0 && !options.vulkan;
    if (limited && adapters_fingerprint != 0) {
      throw Error("--memory-limit: adapters are merged while weights are loaded, once: leave it out, or --lora");
    }
    weights = load_weights(file, spec, params, shard, slice, *device, adapters, limited, options.progress);
    if (limited) {
      stream = std::make_unique<LayerStream>(file, *device, std::move(weights.absent), options.memory_limit,
                                             options.layers_from_source);
    }
  }

  std::size_t memory_bytes() const {
    std::size_t bytes = device->memory_bytes();
    for (const MergedMatrix& matrix : weights.merged) bytes += matrix.bytes.size();
    return bytes;
  }

  StageWork work() const {
    const auto sum = [&](const LayerWeights& w) {
      MatrixCost cost;
      for (const MatrixHandle matrix : w.matrices) {
        if (matrix) cost += device->matrix_cost(matrix);
      }
      return cost;
    };
    StageWork work;
    for (const LayerWeights& layer : weights.layers) {
      work.layers += sum(layer);
      MatrixCost experts;
      for (const auto* matrices :
           {&layer.expert_matrices.gate, &layer.expert_matrices.up, &layer.expert_matrices.down}) {
        for (const MatrixHandle matrix : *matrices) experts += device->matrix_cost(matrix);
      }
      // All are of one size, and a token meets only some.
      if (layer.experts) work.layers += experts.share(params.n_experts_used, params.n_experts);
    }
    work.head = sum(weights.model);
    work.kv_token_bytes = kv_block_bytes(kv_layout) / static_cast<std::size_t>(kv_layout.block_tokens);
    return work;
  }

  bool windowed(std::int32_t layer) const { return params.window > 0 && spec.has_window(slice.layers.first + layer); }

  /// In the cache layers with a window come last.
  void number_kv_layers() {
    const std::int32_t layers = slice.layers.size();
    for (std::int32_t layer = 0; layer < layers; ++layer) kv_layout.window_layers += windowed(layer) ? 1 : 0;
    std::int32_t next[] = {0, layers - kv_layout.window_layers};
    for (std::int32_t layer = 0; layer < layers; ++layer) kv_layers.push_back(next[windowed(layer) ? 1 : 0]++);
  }

  void reserve_slots() const {
    std::array<std::int32_t, kSlotCount> widths{};
    const auto set = [&](Slot slot, std::int32_t width) { widths[static_cast<std::size_t>(slot)] = width; };
    set(Slot::residual, params.n_embd);
    set(Slot::normed, params.n_embd);
    set(Slot::q, attend.heads * params.head_dim);
    set(Slot::k, attend.kv_heads * params.head_dim);
    set(Slot::v, attend.kv_heads * params.head_dim);
    set(Slot::heads, attend.heads * params.head_dim);
    set(Slot::gate, slice.ff.size());
    set(Slot::up, slice.ff.size());
    set(Slot::partial, params.n_embd);
    set(Slot::picked, params.n_embd);
    if (shard.has_head()) set(Slot::logits, params.n_vocab);
    if (params.n_experts > 0) {
      set(Slot::router, params.n_experts);
      set(Slot::routed, params.n_embd);
      set(Slot::expert, params.n_embd);
    }
    if (spec.head_norm == HeadNorm::all && shard.parts > 1) set(Slot::squares, 2);
    device->reserve(widths, limits.max_tokens);
  }

  Started start(const Batch& batch, Exchange& exchange) {
    if (batch.tokens.size() > static_cast<std::size_t>(limits.max_tokens)) {
      throw Error("batch of " + std::to_string(batch.tokens.size()) + " tokens; at most " +
                  std::to_string(limits.max_tokens) + " fit in one pass");
    }
    const std::int32_t most = std::min(kMostShortlisted, limits.n_vocab);
    if (batch.shortlist < 0 || batch.shortlist > most) {
      throw Error("a shortlist of " + std::to_string(batch.shortlist) + " tokens; at most " + std::to_string(most) +
                  " can be asked for");
    }
    cache.apply(batch, plan);
    for (const auto& [from, to] : plan.copies) device->copy_kv_block(from, to);
    for (const std::int32_t block : plan.forgotten) device->forget_kv_block(block);
    if (batch.tokens.empty()) return {};

    exchange.begin();
    device->begin(plan.view(batch.prompt));
    if (shard.first_stage()) {
      device->embed(weights.embedding, params.embedding_scale, Slot::residual);
      if (weights.positions) device->add_positions(weights.positions, Slot::residual);
    } else {
      exchange.receive(device->map(Slot::residual, static_cast<std::int32_t>(batch.tokens.size())));
    }
    const std::int32_t pieces = pieces_of(static_cast<std::int32_t>(batch.tokens.size()), exchange);
    if (pieces > 1) {
      overlapped.run(*device, plan.view(batch.prompt), pieces, exchange, steps(exchange));
    } else {
      for (std::int32_t step = 0; step < 2 * slice.layers.size(); ++step) {
        compute(step, exchange);
        if (shard.parts > 1) exchange.sum(device->map(Slot::partial), use_of(step));
        join_residual(step);
      }
    }
    hand_on(exchange);
    return {static_cast<std::int32_t>(plan.wanted.size()), batch.shortlist};
  }

  /// In how many pieces a pass computes one while the sums of another travel. All parts must come to the same: nothing
  /// here may depend on this part's device, or on how much of the model is its own.
  std::int32_t pieces_of(std::int32_t tokens, const Exchange& exchange) const {
    if (shard.parts == 1 || weights.layers.empty()) return 1;
    // A piece would find the normed rows of another there, or a sum of another kind would come in between.
    if (std::ranges::any_of(weights.layers, reads_beside_attention) || spec.head_norm == HeadNorm::all) return 1;
    return overlapped_pieces(tokens, exchange.tokens_on_the_way());
  }

  StageSteps steps(Exchange& exchange) {
    return {2 * slice.layers.size(), [this, &exchange](std::int32_t step) { compute(step, exchange); },
            [this](std::int32_t step) { return use_of(step); }, [this](std::int32_t step) { join_residual(step); }};
  }

  // A layer is two steps, attention and the feed-forward layer; each leaves this part's share of what joins the
  // residual stream in Slot::partial.

  const LayerWeights& layer_of(std::int32_t step) const { return weights.layers[static_cast<std::size_t>(step / 2)]; }

  void compute(std::int32_t step, Exchange& exchange) {
    if (stream) stream->use(step / 2);
    if (step % 2 == 0) {
      attention(step / 2, layer_of(step), exchange);
    } else {
      feed_forward(layer_of(step));
    }
  }

  static Role post_norm(std::int32_t step) { return step % 2 == 0 ? Role::attn_post_norm : Role::ffn_post_norm; }
  SumUse use_of(std::int32_t step) const {
    return layer_of(step).vector(post_norm(step)) ? SumUse::normed : SumUse::residual;
  }

  /// Adds what a step has left to the residual stream.
  void join_residual(std::int32_t step) const {
    if (use_of(step) == SumUse::normed) norm(layer_of(step), post_norm(step), {}, 1, Slot::partial, Slot::partial);
    if (params.residual_scale != 1.0F) device->scale(params.residual_scale, Slot::partial);
    device->add(Slot::partial, Slot::residual);
  }

  /// What a layer's attention, or feed-forward layer, reads: the residual stream, normed if there is a norm.
  Slot normed(const LayerWeights& w, Role weight, Role bias) const {
    if (!w.vector(weight)) return Slot::residual;
    norm(w, weight, bias, 1, Slot::residual, Slot::normed);
    return Slot::normed;
  }

  void attention(std::int32_t layer, const LayerWeights& w, Exchange& exchange) {
    const Slot in = normed(w, Role::attn_norm, Role::attn_norm_bias);
    device->matmul(in, w.matrix(Role::attn_q), w.vector(Role::attn_q_bias), Slot::q);
    device->matmul(in, w.matrix(Role::attn_k), w.vector(Role::attn_k_bias), Slot::k);
    device->matmul(in, w.matrix(Role::attn_v), w.vector(Role::attn_v_bias), Slot::v);
    if (w.vector(Role::attn_q_norm)) norm_heads(w, exchange);
    if (spec.turns(slice.layers.first + layer)) {
      const RopeHandle turn = windowed(layer) ? window_rope : rope;
      device->rope(turn, attend.heads, params.head_dim, Slot::q);
      device->rope(turn, attend.kv_heads, params.head_dim, Slot::k);
    }
    const std::int32_t kv_layer = kv_layers[static_cast<std::size_t>(layer)];
    device->store_kv(kv_layer, Slot::k, Slot::v);
    attend.window = windowed(layer) ? params.window : 0;
    device->attend(kv_layer, attend, Slot::q, Slot::heads);
    device->matmul(Slot::heads, w.matrix(Role::attn_output), w.vector(Role::attn_output_bias), Slot::partial);
  }

  void norm_heads(const LayerWeights& w, Exchange& exchange) {
    if (spec.head_norm == HeadNorm::head) {
      norm(w, Role::attn_q_norm, {}, attend.heads, Slot::q, Slot::q);
      norm(w, Role::attn_k_norm, {}, attend.kv_heads, Slot::k, Slot::k);
    } else if (shard.parts == 1) {
      norm(w, Role::attn_q_norm, {}, 1, Slot::q, Slot::q);
      norm(w, Role::attn_k_norm, {}, 1, Slot::k, Slot::k);
    } else {
      norm_over_parts(w, exchange);
    }
  }

  /// Over the heads of all parts: of a KV head that several hold, the part with its first query head counts the
  /// squares.
  void norm_over_parts(const LayerWeights& w, Exchange& exchange) {
    const auto owner_from = [&](std::int32_t query) { return (query + attend.group - 1) / attend.group; };
    const std::int32_t first = (owner_from(slice.queries.first) - slice.kv.first) * params.head_dim;
    const std::int32_t last = (owner_from(slice.queries.last) - slice.kv.first) * params.head_dim;
    const bool none = slice.kv.size() == 0;
    device->square_sums(Slot::q, 0, attend.heads * params.head_dim, Slot::squares, 0);
    device->square_sums(Slot::k, none ? 0 : first, none ? 0 : last, Slot::squares, 1);
    exchange.sum(device->map(Slot::squares), SumUse::exact);
    device->norm_by_sums(Slot::squares, 0, params.dim(Dim::query), w.vector(Role::attn_q_norm), params.norm_epsilon,
                         Slot::q);
    device->norm_by_sums(Slot::squares, 1, params.dim(Dim::kv), w.vector(Role::attn_k_norm), params.norm_epsilon,
                         Slot::k);
  }

  /// The feed-forward layer without a norm of its own reads what attention read, side by side with it.
  static bool reads_beside_attention(const LayerWeights& w) {
    return !w.vector(Role::ffn_norm) && w.vector(Role::attn_norm);
  }

  void feed_forward(const LayerWeights& w) {
    const Slot in = reads_beside_attention(w) ? Slot::normed : normed(w, Role::ffn_norm, Role::ffn_norm_bias);
    if (w.experts) {
      device->matmul(in, w.matrix(Role::ffn_router), {}, Slot::router);
      device->mix_experts(w.experts, in, Slot::router, Slot::partial);
    } else {
      if (w.matrix(Role::ffn_gate)) {
        device->matmul(in, w.matrix(Role::ffn_gate), w.vector(Role::ffn_gate_bias), Slot::gate);
        device->matmul(in, w.matrix(Role::ffn_up), w.vector(Role::ffn_up_bias), Slot::up);
        device->gated(spec.activation, Slot::gate, Slot::up);
      } else {
        device->matmul(in, w.matrix(Role::ffn_up), w.vector(Role::ffn_up_bias), Slot::gate);
        device->activate(spec.activation, Slot::gate);
      }
      device->matmul(Slot::gate, w.matrix(Role::ffn_down), w.vector(Role::ffn_down_bias), Slot::partial);
    }
  }

  /// Hands the residual stream on: after the last layer wanted rows only, to the first stage.
  void hand_on(Exchange& exchange) {
    if (!shard.last_stage()) return exchange.pass_on(device->map(Slot::residual));
    if (plan.wanted.empty()) return;
    device->pick(plan.wanted, Slot::residual, Slot::picked);
    if (shard.stages > 1) exchange.pass_on(device->map(Slot::picked));
  }

  std::span<const float> finish(Started pass, Exchange& exchange) {
    if (!shard.has_head() || pass.wanted == 0) return {};
    if (shard.stages > 1) exchange.receive(device->map(Slot::picked, pass.wanted));
    const LayerWeights& w = weights.model;
    norm(w, Role::output_norm, Role::output_norm_bias, 1, Slot::picked, Slot::normed);
    device->matmul(Slot::normed, w.matrix(Role::output), w.vector(Role::output_bias), Slot::logits);
    if (params.logit_scale != 1.0F) device->scale(params.logit_scale, Slot::logits);
    if (params.logit_softcap > 0.0F) device->softcap(params.logit_softcap, Slot::logits);
    if (pass.shortlist > 0) return device->shortlist(Slot::logits, pass.shortlist);
    return device->map(Slot::logits);
  }

  void norm(const LayerWeights& w, Role weight, std::optional<Role> bias, std::int32_t groups, Slot in,
            Slot out) const {
    const VectorHandle biases = bias ? w.vector(*bias) : VectorHandle{};
    device->norm({spec.norm, w.vector(weight), biases, params.norm_epsilon, groups}, in, out);
  }

  const ArchSpec& spec;
  HyperParams params;
  Shard shard;
  Slice slice;
  RunnerLimits limits;
  KvCache cache;
  std::unique_ptr<Device> device;
  std::uint64_t adapters_fingerprint = 0;
  Weights weights;
  std::unique_ptr<LayerStream> stream;  // the layers, under a limit; ends before the device
  RopeHandle rope;
  RopeHandle window_rope;
  AttendSpec attend;
  KvLayout kv_layout;
  std::vector<std::int32_t> kv_layers;  // by layer: its number in the cache
  OverlappedPass overlapped;
  BatchPlan plan;
};

Stage::Stage(const GgufFile& file, const StageOptions& options) {
  const std::int32_t all = read_hyper_params(file, read_architecture(file)).n_layers;
  const std::int32_t layers = layers_on_device(file, options);
  if (layers == all) {
    impl_ = std::make_unique<Impl>(file, options);
    return;
  }
  impl_ = std::make_unique<Impl>(file, options_for_device(options, layers, all));
  rest_ = std::make_unique<Stage>(file, options_for_rest(options, layers, all));
}
Stage::~Stage() = default;

const RunnerLimits& Stage::limits() const { return impl_->limits; }
std::int32_t Stage::free_blocks() const { return impl_->cache.free_blocks(); }
std::int32_t Stage::blocks_to_append(SequenceId sequence) const { return impl_->cache.blocks_to_append(sequence); }
std::int32_t Stage::length(SequenceId sequence) const { return impl_->cache.length(sequence); }
bool Stage::can_cut(SequenceId sequence, std::int32_t length) const { return impl_->cache.can_cut(sequence, length); }
std::uint64_t Stage::adapters_fingerprint() const { return impl_->adapters_fingerprint; }

std::vector<StreamedLayer> Stage::streamed_layers() const {
  return impl_->stream ? impl_->stream->streamed() : std::vector<StreamedLayer>{};
}
void Stage::read_layers_from(LayerSource* source) {
  if (impl_->stream) impl_->stream->read_from(source);
}

std::size_t Stage::memory_bytes() const { return impl_->memory_bytes() + (rest_ ? rest_->memory_bytes() : 0); }

std::vector<OperationTime> Stage::take_operation_times() { return impl_->device->take_operation_times(); }
std::string Stage::device_description() const {
  const std::string here = impl_->device->description();
  if (!rest_) return here;
  return here + " (" + std::to_string(impl_->slice.layers.size()) + " layers), " + rest_->device_description() + " (" +
         std::to_string(rest_->impl_->slice.layers.size()) + " layers)";
}

StageWork Stage::work() const {
  StageWork work = impl_->work();
  if (!rest_) return work;
  const StageWork more = rest_->work();
  work.layers += more.layers;
  work.kv_token_bytes += more.kv_token_bytes;
  return work;
}

std::span<const float> Stage::forward(const Batch& batch, Exchange& exchange) {
  if (!rest_) return impl_->finish(impl_->start(batch, exchange), exchange);
  if (batch.tokens.empty()) {
    rest_->forward(batch, exchange);
    return impl_->finish(impl_->start(batch, exchange), exchange);
  }
  RestOfLayers rest(*rest_, batch);
  return impl_->finish(impl_->start(batch, rest), rest);
}

Stage::Started Stage::start(const Batch& batch, Exchange& exchange) {
  assert(!rest_);
  return impl_->start(batch, exchange);
}

std::span<const float> Stage::finish(Started pass, Exchange& exchange) { return impl_->finish(pass, exchange); }

}  // namespace covey
