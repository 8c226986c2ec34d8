#include "mpi/tensor_exchange.hpp"

#include <algorithm>
#include <utility>

#include "kernels/cpu/isa.hpp"

namespace covey {

TensorExchange::TensorExchange(Transport& transport, std::chrono::milliseconds timeout, SumPlan plan, WireType wire,
                               std::size_t row)
    : transport_(transport),
      plan_(std::move(plan)),
      row_(row),
      rounds_(wire != WireType::f32),
      link_(transport, timeout, wire),
      exact_link_(transport, timeout, WireType::f32) {
  const int ranks = transport.size();
  const bool overlaps = row > 0 && ranks > 1 && plan_.can_start() && plan_.same_in_pieces(ranks, wire, row);
  if (overlaps) tokens_on_the_way_ = static_cast<std::int32_t>(kSumWindow / row);
}

void TensorExchange::begin() { errors_.clear(); }

SumPiece TensorExchange::carried(std::span<float> partial, SumUse use, std::size_t first) {
  if (!rounds_ || use != SumUse::residual) return {partial, {}};
  if (errors_.size() < first + partial.size()) errors_.resize(first + partial.size());
  const std::span<float> errors = std::span(errors_).subspan(first, partial.size());
  host_isa().add(errors.data(), static_cast<std::int64_t>(errors.size()), partial.data());
  std::ranges::fill(errors, 0.0F);
  return {partial, errors};
}

void TensorExchange::sum(std::span<float> partial, SumUse use) {
  if (transport_.size() == 1 || partial.empty()) return;
  const SumPiece whole = carried(partial, use, 0);
  sum_in_windows(use == SumUse::exact ? exact_link_ : link_, plan_.best(partial.size()), whole);
}

void TensorExchange::start_sum(std::span<float> partial, SumUse use, std::int32_t first) {
  under_way_piece_ = carried(partial, use, row_ * static_cast<std::size_t>(first));
  under_way_ = &plan_.best_to_start(partial.size());
  link_.begin();
  under_way_->start(link_, under_way_piece_);
}

void TensorExchange::finish_sum() { std::exchange(under_way_, nullptr)->finish(link_, under_way_piece_); }

}  // namespace covey
