// Which part of a model a rank holds.
//
// Pipeline stages hold whole layers; the first stage also holds the embedding and the head, so hidden states travel
// once around the ring and only activations of the wanted rows come back:
//
//     stage 0: embed, layers 0..a  ->  stage 1: layers a..b  ->  stage 2: layers b..n  ->  stage 0: norm, logits
//
// Tensor-parallel parts hold a slice of every layer; part 0 also holds the head. Parts are cut by granules: units that
// keep whole heads and whole quantization blocks together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace covey {

struct Range {
  std::int32_t first = 0;
  std::int32_t last = 0;  ///< one past the end
  std::int32_t size() const { return last - first; }
  bool operator==(const Range&) const = default;
};

struct Shard {
  std::int32_t stage = 0, stages = 1;  ///< pipeline
  std::int32_t part = 0, parts = 1;    ///< tensor parallel
  /// Relative shares: of layers by stage (size `stages`) or of each layer by part (size `parts`); empty: equal.
  std::vector<double> shares;

  bool first_stage() const { return stage == 0; }
  bool last_stage() const { return stage == stages - 1; }
  bool has_head() const { return stage == 0 && part == 0; }
};

/// Cuts `total` granules into consecutive ranges as near to `shares` as whole granules allow (largest remainder). With
/// at least as many granules as parts, every part with a share above 0 gets at least one. `shares` is empty (equal) or
/// has `parts` entries >= 0 with a sum above 0.
std::vector<Range> split_granules(std::int32_t total, std::int32_t parts, std::span<const double> shares);

}  // namespace covey
