#include "mpi/tensor_exchange.hpp"

#include <algorithm>
#include <utility>

namespace covey {

TensorExchange::TensorExchange(Transport& transport, std::chrono::milliseconds timeout, SumPlan plan, WireType wire)
    : transport_(transport),
      plan_(std::move(plan)),
      rounds_(wire != WireType::f32),
      link_(transport, timeout, wire),
      exact_link_(transport, timeout, WireType::f32) {}

void TensorExchange::begin() { errors_.clear(); }

void TensorExchange::sum(std::span<float> partial, SumUse use) {
  if (transport_.size() == 1 || partial.empty()) return;
  SumPiece whole{partial, {}};
  if (rounds_ && use == SumUse::residual) {
    errors_.resize(partial.size());
    for (std::size_t i = 0; i < partial.size(); ++i) partial[i] += std::exchange(errors_[i], 0.0F);
    whole.errors = errors_;
  }
  sum_in_windows(use == SumUse::exact ? exact_link_ : link_, plan_.best(partial.size()), whole);
}

}  // namespace covey
