#include "mpi/tensor_exchange.hpp"

#include <algorithm>
#include <utility>

#include "kernels/cpu/isa.hpp"

namespace covey {
namespace {

// Values of a sum that are worth messages of their own. On one host these cost as much as they save.
constexpr std::size_t kLeastOnAHost = 1024;
constexpr std::size_t kLeastOverANetwork = 256;

}  // namespace

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

void TensorExchange::begin() {
  errors_.clear();
  under_way_.clear();  // of a pass that failed
}

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

bool TensorExchange::several_on_the_way(std::size_t values) const {
  return tokens_on_the_way_ > 0 && values >= (transport_.is_network() ? kLeastOverANetwork : kLeastOnAHost) &&
         plan_.best_to_start(values).sends_at_start_only;
}

void TensorExchange::start_sum(std::span<float> partial, SumUse use, std::size_t first) {
  const SumAlgorithm& algorithm = plan_.best_to_start(partial.size());
  under_way_.push_back({&algorithm, carried(partial, use, first)});
  link_.begin();
  algorithm.start(link_, under_way_.back().piece);
}

void TensorExchange::finish_sum() {
  const Started oldest = under_way_.front();
  under_way_.pop_front();
  oldest.algorithm->finish(link_, oldest.piece);
}

bool TensorExchange::sum_is_here() {
  const Started& oldest = under_way_.front();
  return oldest.algorithm->sends_at_start_only && link_.all_arrived(oldest.piece.values.size());
}

void TensorExchange::gather(std::span<const float> mine, std::span<float> all) {
  if (transport_.rank() != 0) return exact_link_.send(0, std::as_bytes(mine));
  std::ranges::copy(mine, all.begin());
  exact_link_.begin();
  for (int from = 1; from < transport_.size(); ++from) {
    exact_link_.receive(from, all.subspan(static_cast<std::size_t>(from) * mine.size(), mine.size()));
  }
}

}  // namespace covey
