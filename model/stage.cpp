#include "model/stage.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "covey/error.hpp"
#include "model/kv_cache.hpp"
#include "model/rope.hpp"
#include "model/weights.hpp"

namespace covey {
namespace {

constexpr std::int32_t kBlockTokens = 32;
constexpr std::int32_t kDefaultContext = 4096;

RunnerLimits make_limits(const HyperParams& params, const StageOptions& options) {
  const auto refuse_below_one = [](const char* what, std::int32_t value) {
    if (value < 1)
      throw Error(std::string(what) + ": " + std::to_string(value) + " is not a positive number of tokens");
  };
  RunnerLimits limits;
  limits.n_vocab = params.n_vocab;
  limits.n_ctx = options.n_ctx != 0 ? options.n_ctx : std::min(params.n_ctx_train, kDefaultContext);
  refuse_below_one("context", limits.n_ctx);
  limits.max_tokens = options.max_tokens;
  refuse_below_one("batch", limits.max_tokens);
  limits.block_tokens = kBlockTokens;
  const std::int32_t kv_tokens = options.kv_tokens != 0 ? options.kv_tokens : limits.n_ctx;
  refuse_below_one("KV cache", kv_tokens);
  limits.blocks = kv_tokens / kBlockTokens + (kv_tokens % kBlockTokens != 0 ? 1 : 0);
  return limits;
}

KvType kv_type(const GgufFile& file, KvChoice choice) {
  switch (choice) {
    case KvChoice::f32:
      return KvType::f32;
    case KvChoice::f16:
      return KvType::f16;
    case KvChoice::q8_0:
      return KvType::q8_0;
    case KvChoice::automatic:
      break;
  }
  const auto is_f32 = [](const GgufTensor& tensor) { return tensor.type == TensorType::f32; };
  return std::ranges::all_of(file.tensors(), is_f32) ? KvType::f32 : KvType::f16;
}

}  // namespace

struct Stage::Impl {
  Impl(const GgufFile& file, const StageOptions& options)
      : spec(read_architecture(file)),
        params(read_hyper_params(file, spec)),
        shard(options.shard),
        slice(cut_slice(file, spec, params, shard)),
        limits(make_limits(params, options)),
        cache(limits.blocks, limits.block_tokens, limits.n_ctx, limits.n_vocab),
        device(make_cpu_device(options.cpu)),
        weights(load_weights(file, spec, params, shard, slice, *device, options.progress)),
        rope(device->add_rope(make_rope(params.rope, spec.rope, weights.rope_factors))) {
    attend.heads = slice.queries.size();
    attend.kv_heads = slice.kv.size();
    attend.head_dim = params.head_dim;
    attend.group = params.n_heads / params.n_kv_heads;
    attend.first_query = slice.queries.first - slice.kv.first * attend.group;
    attend.scale = 1.0F / std::sqrt(static_cast<float>(params.head_dim));
    kv_layout = {slice.layers.size(), attend.kv_heads,     params.head_dim,
                 limits.blocks,       limits.block_tokens, kv_type(file, options.kv)};
    device->reserve_kv(kv_layout);
    reserve_slots();
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
    for (const LayerWeights& layer : weights.layers) work.layers += sum(layer);
    work.head = sum(weights.model);
    work.kv_token_bytes = kv_block_bytes(kv_layout) / static_cast<std::size_t>(kv_layout.block_tokens);
    return work;
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
    device->reserve(widths, limits.max_tokens);
  }

  std::span<const float> forward(const Batch& batch, Exchange& exchange) {
    if (batch.tokens.size() > static_cast<std::size_t>(limits.max_tokens)) {
      throw Error("batch of " + std::to_string(batch.tokens.size()) + " tokens; at most " +
                  std::to_string(limits.max_tokens) + " fit in one pass");
    }
    cache.apply(batch, plan);
    for (const auto& [from, to] : plan.copies) device->copy_kv_block(from, to);
    if (batch.tokens.empty()) return {};

    device->begin(plan.view(batch.prompt));
    if (shard.first_stage()) {
      device->embed(weights.embedding, 1.0F, Slot::residual);
    } else {
      exchange.receive(device->map(Slot::residual, static_cast<std::int32_t>(batch.tokens.size())));
    }
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
      attention(static_cast<std::int32_t>(layer), weights.layers[layer], exchange);
      feed_forward(weights.layers[layer], exchange);
    }
    return finish(exchange);
  }

  void attention(std::int32_t layer, const LayerWeights& w, Exchange& exchange) {
    norm(Slot::residual, w.vector(Role::attn_norm));
    device->matmul(Slot::normed, w.matrix(Role::attn_q), w.vector(Role::attn_q_bias), Slot::q);
    device->matmul(Slot::normed, w.matrix(Role::attn_k), w.vector(Role::attn_k_bias), Slot::k);
    device->matmul(Slot::normed, w.matrix(Role::attn_v), w.vector(Role::attn_v_bias), Slot::v);
    device->rope(rope, attend.heads, params.head_dim, Slot::q);
    device->rope(rope, attend.kv_heads, params.head_dim, Slot::k);
    device->store_kv(layer, Slot::k, Slot::v);
    device->attend(layer, attend, Slot::q, Slot::heads);
    device->matmul(Slot::heads, w.matrix(Role::attn_output), w.vector(Role::attn_output_bias), Slot::partial);
    join_residual(exchange);
  }

  void feed_forward(const LayerWeights& w, Exchange& exchange) {
    norm(Slot::residual, w.vector(Role::ffn_norm));
    device->matmul(Slot::normed, w.matrix(Role::ffn_gate), {}, Slot::gate);
    device->matmul(Slot::normed, w.matrix(Role::ffn_up), {}, Slot::up);
    device->gated(spec.activation, Slot::gate, Slot::up);
    device->matmul(Slot::gate, w.matrix(Role::ffn_down), {}, Slot::partial);
    join_residual(exchange);
  }

  /// Adds the projection to the residual stream, summed over the parts first.
  void join_residual(Exchange& exchange) const {
    if (shard.parts > 1) exchange.sum(device->map(Slot::partial));
    device->add(Slot::partial, Slot::residual);
  }

  /// Hands the residual stream on, or turns its wanted rows into logits. Rows travel: wanted rows only, after the last
  /// layer, back to the first stage.
  std::span<const float> finish(Exchange& exchange) {
    const auto wanted = static_cast<std::int32_t>(plan.wanted.size());
    if (shard.stages > 1) {
      if (!shard.last_stage()) {
        exchange.pass_on(device->map(Slot::residual));
      } else if (wanted > 0) {
        device->pick(plan.wanted, Slot::residual, Slot::picked);
        exchange.pass_on(device->map(Slot::picked));
      }
    }
    if (!shard.has_head() || wanted == 0) return {};
    if (shard.stages > 1) {
      exchange.receive(device->map(Slot::picked, wanted));
    } else {
      device->pick(plan.wanted, Slot::residual, Slot::picked);
    }
    norm(Slot::picked, weights.model.vector(Role::output_norm));
    device->matmul(Slot::normed, weights.model.matrix(Role::output), {}, Slot::logits);
    return device->map(Slot::logits);
  }

  void norm(Slot in, VectorHandle weight) const {
    device->norm(spec.norm, in, weight, params.norm_epsilon, Slot::normed);
  }

  const ArchSpec& spec;
  HyperParams params;
  Shard shard;
  Slice slice;
  RunnerLimits limits;
  KvCache cache;
  std::unique_ptr<Device> device;
  Weights weights;
  RopeHandle rope;
  AttendSpec attend;
  KvLayout kv_layout;
  BatchPlan plan;
};

Stage::Stage(const GgufFile& file, const StageOptions& options) : impl_(std::make_unique<Impl>(file, options)) {}
Stage::~Stage() = default;

const RunnerLimits& Stage::limits() const { return impl_->limits; }
std::int32_t Stage::free_blocks() const { return impl_->cache.free_blocks(); }
std::int32_t Stage::blocks_to_append(SequenceId sequence) const { return impl_->cache.blocks_to_append(sequence); }
std::int32_t Stage::length(SequenceId sequence) const { return impl_->cache.length(sequence); }
std::size_t Stage::memory_bytes() const { return impl_->device->memory_bytes(); }
std::string Stage::device_description() const { return impl_->device->description(); }
StageWork Stage::work() const { return impl_->work(); }

std::span<const float> Stage::forward(const Batch& batch, Exchange& exchange) {
  return impl_->forward(batch, exchange);
}

}  // namespace covey
