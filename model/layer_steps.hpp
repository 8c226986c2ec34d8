// The layers of a stage on a device. Each is two steps, attention and the feed-forward layer, from the residual stream
// to what joins it:
//
//     Slot::residual -> norm -> q, k, v --> attention ----> output projection -> Slot::partial -> + Slot::residual
//     Slot::residual -> norm -> gate, up -> activation ---> down projection ---> Slot::partial -> + Slot::residual
//                       `-- enter() -----'  `- prepare() -' `---- Projection ----'  `------- join() -------'
//
// Of a layer that is split over parts, Slot::partial is this part's share of a sum. There most steps can be entered
// with some columns of the sum of the step before, while the others are on their way:
//
//     columns -> take_columns() -> multiply_columns(), in the order of columns: the last ones complete enter()
//
// A part enters them with the same arithmetic where all columns are there at once, so that the bits are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kernels/device.hpp"
#include "model/exchange.hpp"
#include "model/weights.hpp"

namespace covey {

/// The last product of a step.
struct Projection {
  Slot in;
  MatrixHandle matrix;
  VectorHandle bias;
};

/// A norm of the model; `bias` may be absent.
NormSpec norm_of(const ArchSpec& spec, const HyperParams& params, const LayerWeights& w, Role weight,
                 std::optional<Role> bias, std::int32_t groups);

class LayerSteps {
 public:
  struct Ropes {
    RopeHandle all;
    RopeHandle window;  ///< of layers with a window
  };

  /// All must outlive the object, and `weights` be loaded before a step.
  LayerSteps(const ArchSpec& spec, const HyperParams& params, const Shard& shard, const Slice& slice,
             const Weights& weights, Device& device, Ropes ropes);

  /// `use(layer)` is called before weights of a layer are used, each time.
  void before_layers(std::function<void(std::int32_t layer)> use) { use_layer_ = std::move(use); }

  std::int32_t count() const { return 2 * slice_.layers.size(); }
  /// Layers whose attention has a window. In the cache they come last.
  std::int32_t window_layers() const { return window_layers_; }

  /// Begins a step: its norm, and the products that read it.
  void enter(std::int32_t step) const;
  /// What follows, but for the step's last product; nothing where that has happened, too: a mixture of experts ends in
  /// Slot::partial.
  std::optional<Projection> prepare(std::int32_t step, Exchange& exchange);
  /// Of the sum over the parts of what a step leaves in Slot::partial.
  SumUse use(std::int32_t step) const;
  /// Adds that to the residual stream.
  void join(std::int32_t step) const;

  /// join(), and enter() with the step after it, if there is one: where nothing happens between the two.
  void join_and_enter(std::int32_t step) const;

  /// Whether one step can follow another while a sum of the first is on its way.
  bool can_overlap() const;

  /// Whether a step can be entered band by band: load_weights() has its matrices packed so where it can.
  bool enters_by_columns(std::int32_t step) const;
  /// Of a step that can: columns of the sum of the step before, (tokens, band_width), from `first` on; instead of
  /// join().
  void take_columns(std::int32_t step, std::span<const float> sums, std::int32_t first) const;
  /// Columns that have been taken, those before them having been multiplied.
  void multiply_columns(std::int32_t step, const Band& columns) const;

 private:
  /// One of the products that read a step's normed input.
  struct EntryProduct {
    Role matrix;
    std::optional<Role> bias;
    Slot out;
  };
  const LayerWeights& layer_of(std::int32_t step) const { return weights_.layers[static_cast<std::size_t>(step / 2)]; }
  bool windowed(std::int32_t layer) const;
  void norm(const LayerWeights& w, Role weight, std::optional<Role> bias, std::int32_t groups, Slot in,
            Slot out) const {
    device_.norm(norm_of(spec_, params_, w, weight, bias, groups), in, out);
  }
  std::span<const EntryProduct> entry(std::int32_t step) const;
  /// Those of a step whose norm has been.
  void multiply_entry(std::int32_t step) const;
  /// Makes of Slot::partial what is added.
  void prepare_to_join(std::int32_t step) const;
  /// Where those find it: the residual stream, normed if there is a norm.
  Slot input(std::int32_t step) const;
  /// Whether the products of a step are gated where they are made.
  bool gates_at_entry(std::int32_t step) const;
  /// Columns of the residual stream, as far as they can be normed without the others.
  void weigh_columns(std::int32_t step, std::int32_t first) const;
  Projection attention(std::int32_t layer, const LayerWeights& w, Exchange& exchange);
  void norm_heads(const LayerWeights& w, Exchange& exchange) const;
  void norm_over_parts(const LayerWeights& w, Exchange& exchange) const;
  std::optional<Projection> feed_forward(std::int32_t step, const LayerWeights& w) const;

  const ArchSpec& spec_;
  const HyperParams& params_;
  const Shard& shard_;
  const Slice& slice_;
  const Weights& weights_;
  Device& device_;
  Ropes ropes_;
  AttendSpec attend_;
  std::int32_t window_layers_ = 0;
  std::vector<std::int32_t> kv_layers_;  // by layer: its number in the cache
  std::function<void(std::int32_t layer)> use_layer_;
};

}  // namespace covey
