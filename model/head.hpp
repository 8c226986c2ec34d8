// The head of a model: from the rows whose logits are wanted to those, or to the likeliest tokens of each.
//
// Where parts share the head, each finds the likeliest tokens of its share, and the first part gets them all: a few
// hundred bytes a row. All logits of a row, which are a thousand times that, the first part computes alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"
#include "model/exchange.hpp"
#include "model/weights.hpp"

namespace covey {

class Head {
 public:
  /// All must outlive the object, and `weights` be loaded before rows are evaluated.
  Head(const ArchSpec& spec, const HyperParams& params, const Shard& shard, const Slice& slice,
       const LayerWeights& weights, Device& device)
      : spec_(spec), params_(params), shard_(shard), slice_(slice), weights_(weights), device_(device) {}

  /// Whether this part has something to do for rows of which shortlists, or else all logits, are wanted.
  bool takes_part(bool shortlists) const { return shard_.has_head() || (shortlists && slice_.share.size() > 0); }
  /// Of the rows in Slot::picked, (rows, n_vocab), or (rows, shortlist_width(shortlist)) unless `shortlist` is 0; on
  /// other parts than the first nothing. The view lasts until the next operation on the device.
  std::span<const float> evaluate(std::int32_t shortlist, Exchange& exchange);

 private:
  std::span<const float> shared(std::int32_t shortlist, Exchange& exchange);

  const ArchSpec& spec_;
  const HyperParams& params_;
  const Shard& shard_;
  const Slice& slice_;
  const LayerWeights& weights_;
  Device& device_;
  std::vector<float> mine_, all_, merged_;  // shortlists: this part's, those of all parts, of all tokens
};

}  // namespace covey
