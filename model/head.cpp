#include "model/head.hpp"

#include "kernels/shortlist.hpp"
#include "model/layer_steps.hpp"

namespace covey {

std::span<const float> Head::evaluate(std::int32_t shortlist, Exchange& exchange) {
  const bool is_shared = shortlist > 0 && slice_.share.size() > 0;
  const Slot logits = is_shared ? Slot::logits_band : Slot::logits;
  const MatrixHandle matrix = weights_.matrix(Role::output);
  const VectorHandle bias = weights_.vector(Role::output_bias);
  device_.norm(norm_of(spec_, params_, weights_, Role::output_norm, Role::output_norm_bias, 1), Slot::picked,
               Slot::normed);
  if (is_shared) {
    device_.matmul_band(Slot::normed, matrix, slice_.share.first - slice_.head.first, bias, logits);
  } else {
    device_.matmul(Slot::normed, matrix, bias, logits);
  }
  if (params_.logit_scale != 1.0F) device_.scale(params_.logit_scale, logits);
  if (params_.logit_softcap > 0.0F) device_.softcap(params_.logit_softcap, logits);
  if (is_shared) return shared(shortlist, exchange);
  return shortlist > 0 ? device_.shortlist(logits, shortlist) : device_.map(logits);
}

std::span<const float> Head::shared(std::int32_t shortlist, Exchange& exchange) {
  const std::span<const float> found = device_.shortlist(Slot::logits_band, shortlist);
  const auto width = static_cast<std::size_t>(shortlist_width(shortlist));
  mine_.assign(found.begin(), found.end());
  for (std::size_t row = 0; row < mine_.size(); row += width) {
    for (std::size_t i = 1; i + 2 < width; i += 2) mine_[row + i] += static_cast<float>(slice_.share.first);
  }
  const auto parts = static_cast<std::size_t>(shard_.parts);
  all_.resize(shard_.has_head() ? parts * mine_.size() : 0);
  exchange.gather(mine_, all_);
  if (!shard_.has_head()) return {};
  merged_.resize(mine_.size());
  std::vector<Shortlist> ranges;
  for (std::size_t row = 0; row < mine_.size(); row += width) {
    ranges.clear();
    for (std::size_t part = 0; part < parts; ++part) {
      ranges.emplace_back(std::span(all_).subspan(part * mine_.size() + row, width));
    }
    merge_shortlists(ranges, std::span(merged_).subspan(row, width));
  }
  return merged_;
}

}  // namespace covey
