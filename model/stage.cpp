#include "model/stage.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <vector>

#include "covey/error.hpp"
#include "kernels/shortlist.hpp"
#include "model/bands.hpp"
#include "model/device_layers.hpp"
#include "model/head.hpp"
#include "model/kv_cache.hpp"
#include "model/layer_steps.hpp"
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
    LayerSteps::Ropes ropes;
    if (spec.rotary) {
      const std::vector<float> factors = load_rope_factors(file, spec, params, limits.n_ctx);
      ropes.all = device->add_rope(make_rope(params.rope, spec.rope, factors));
      const bool same = spec.window_rope_base == 0 || params.window == 0;
      ropes.window = same ? ropes.all : device->add_rope(make_rope(params.window_rope, spec.rope, {}));
    }
    layers = std::make_unique<LayerSteps>(spec, params, shard, slice, weights, *device, ropes);
    kv_layout = {slice.layers.size(),    slice.kv.size(),     params.head_dim,
                 limits.blocks,          limits.block_tokens, stored_kv_type(file, options.kv),
                 layers->window_layers()};
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
      layers->before_layers([this](std::int32_t layer) { stream->use(layer); });
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

  void reserve_slots() const {
    std::array<std::int32_t, kSlotCount> widths{};
    const auto set = [&](Slot slot, std::int32_t width) { widths[static_cast<std::size_t>(slot)] = width; };
    set(Slot::residual, params.n_embd);
    set(Slot::normed, params.n_embd);
    set(Slot::q, slice.queries.size() * params.head_dim);
    set(Slot::k, slice.kv.size() * params.head_dim);
    set(Slot::v, slice.kv.size() * params.head_dim);
    set(Slot::heads, slice.queries.size() * params.head_dim);
    set(Slot::gate, slice.ff.size());
    set(Slot::up, slice.ff.size());
    set(Slot::partial, params.n_embd);
    if (shard.parts > 1) set(Slot::band, band_width(params.n_embd));
    set(Slot::picked, params.n_embd);
    if (shard.has_head()) set(Slot::logits, params.n_vocab);
    set(Slot::logits_band, slice.share.size());
    if (params.n_experts > 0) {
      set(Slot::router, params.n_experts);
      set(Slot::routed, params.n_embd);
      set(Slot::expert, params.n_embd);
    }
    if (shard.parts > 1) {
      const bool of_heads = spec.head_norm == HeadNorm::all;
      set(Slot::squares, of_heads ? 2 : params.n_embd / band_width(params.n_embd));
    }
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
    evaluate_layers(plan.view(batch.prompt), exchange);
    hand_on(exchange);
    return {static_cast<std::int32_t>(plan.wanted.size()), batch.shortlist};
  }

  /// Whether, and how, sums travel meanwhile. All parts must come to the same: nothing here may depend on this part's
  /// device, or on how much of the model is its own.
  void evaluate_layers(const BatchView& batch, Exchange& exchange) {
    const auto tokens = static_cast<std::int32_t>(batch.size());
    const std::int32_t most =
        shard.parts > 1 && layers->count() > 0 && layers->can_overlap() ? exchange.tokens_on_the_way() : 0;
    const std::int32_t pieces = overlapped_pieces(tokens, most), width = band_width(params.n_embd);
    const auto band = static_cast<std::size_t>(tokens) * static_cast<std::size_t>(width);
    if (tokens <= most && width < params.n_embd && exchange.several_on_the_way(band)) {
      return overlapped.run_bands(*device, tokens, exchange, *layers);
    }
    if (pieces > 1) return overlapped.run_pieces(*device, batch, pieces, exchange, *layers);
    if (layers->count() > 0) layers->enter(0);
    for (std::int32_t step = 0; step < layers->count(); ++step) {
      const auto last = layers->prepare(step, exchange);
      if (last) device->matmul(last->in, last->matrix, last->bias, Slot::partial);
      if (shard.parts > 1) exchange.sum(device->map(Slot::partial), layers->use(step));
      layers->join_and_enter(step);
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
    if (pass.wanted == 0 || !head.takes_part(pass.shortlist > 0)) return {};
    if (shard.stages > 1) exchange.receive(device->map(Slot::picked, pass.wanted));
    return head.evaluate(pass.shortlist, exchange);
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
  std::unique_ptr<LayerSteps> layers;
  Head head{spec, params, shard, slice, weights.model, *device};
  KvLayout kv_layout;
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
