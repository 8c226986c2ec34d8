#include "mpi/pipeline_exchange.hpp"

namespace covey {

// Messages without activations are left out on both sides: both know their size.

void PipelineExchange::receive(std::span<float> activations) {
  const int ranks = transport_.size();
  if (ranks == 1 || activations.empty()) return;
  transport_.recv((transport_.rank() + ranks - 1) % ranks, std::as_writable_bytes(activations), Tag::activation,
                  Clock::now() + timeout_);
}

void PipelineExchange::pass_on(std::span<const float> activations) {
  const int ranks = transport_.size();
  if (ranks == 1 || activations.empty()) return;
  transport_.send((transport_.rank() + 1) % ranks, std::as_bytes(activations), Tag::activation);
}

}  // namespace covey
