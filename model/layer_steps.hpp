// The layers of a stage on a device. Each is two steps, attention and the feed-forward layer, from the residual stream
// to what joins it:
//
//     Slot::residual -> norm -> q, k, v -> attention ----> output projection -> Slot::partial -> + Slot::residual
//     Slot::residual -> norm -> gate, up -> activation --> down projection ---> Slot::partial -> + Slot::residual
//                       `------------ prepare() ---------' `---- Projection ----'  `------- join() -------'
//
// Of a layer that is split over parts, Slot::partial is this part's share of a sum.
#pragma once

#include <cstdint>
#include <optional>
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

/// out = norm(in) by a norm of the model; `bias` may be absent.
void norm_by(Device& device, const ArchSpec& spec, const HyperParams& params, const LayerWeights& w, Role weight,
             std::optional<Role> bias, std::int32_t groups, Slot in, Slot out);

class LayerSteps {
 public:
  struct Ropes {
    RopeHandle all;
    RopeHandle window;  ///< of layers with a window
  };

  /// All must outlive the object, and `weights` be loaded before a step.
  LayerSteps(const ArchSpec& spec, const HyperParams& params, const Shard& shard, const Slice& slice,
             const Weights& weights, Device& device, Ropes ropes);

  std::int32_t count() const { return 2 * slice_.layers.size(); }
  /// Layers whose attention has a window. In the cache they come last.
  std::int32_t window_layers() const { return window_layers_; }

  /// A step but for its last product; nothing where that has happened, too: a mixture of experts ends in Slot::partial.
  std::optional<Projection> prepare(std::int32_t step, Exchange& exchange);
  /// Of the sum over the parts of what a step leaves in Slot::partial.
  SumUse use(std::int32_t step) const;
  /// Adds that to the residual stream.
  void join(std::int32_t step) const;

  /// Whether one step can follow another while a sum of the first is on its way.
  bool can_overlap() const;

 private:
  const LayerWeights& layer_of(std::int32_t step) const { return weights_.layers[static_cast<std::size_t>(step / 2)]; }
  bool windowed(std::int32_t layer) const;
  void norm(const LayerWeights& w, Role weight, std::optional<Role> bias, std::int32_t groups, Slot in,
            Slot out) const {
    norm_by(device_, spec_, params_, w, weight, bias, groups, in, out);
  }
  /// What a layer's attention, or feed-forward layer, reads: the residual stream, normed if there is a norm.
  Slot normed(const LayerWeights& w, Role weight, Role bias) const;
  Projection attention(std::int32_t layer, const LayerWeights& w, Exchange& exchange);
  void norm_heads(const LayerWeights& w, Exchange& exchange) const;
  void norm_over_parts(const LayerWeights& w, Exchange& exchange) const;
  std::optional<Projection> feed_forward(const LayerWeights& w) const;

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
};

}  // namespace covey
