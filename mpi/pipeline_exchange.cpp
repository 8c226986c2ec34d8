#include "mpi/pipeline_exchange.hpp"

namespace covey {

namespace {

// When a stage falls silent, all that come after it wait for what never comes. Each waits a little longer than the one
// before it, so that the stage next to the silent one gives up first and names it to the others.
constexpr std::chrono::milliseconds kStageStep{250};

}  // namespace

// Messages without activations are left out on both sides: both know their size.

void PipelineExchange::receive(std::span<float> activations) {
  const int ranks = transport_.size();
  if (ranks == 1 || activations.empty()) return;
  const int before = (transport_.rank() + ranks - 1) % ranks;
  transport_.recv(before, std::as_writable_bytes(activations), Tag::activation,
                  Clock::now() + timeout_ + before * kStageStep);
}

void PipelineExchange::pass_on(std::span<const float> activations) {
  const int ranks = transport_.size();
  if (ranks == 1 || activations.empty()) return;
  transport_.send((transport_.rank() + 1) % ranks, std::as_bytes(activations), Tag::activation);
}

}  // namespace covey
