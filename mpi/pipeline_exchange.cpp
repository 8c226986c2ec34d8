#include "mpi/pipeline_exchange.hpp"

namespace covey {

namespace {

// When a stage falls silent, all that come after it wait for what never comes. Each waits a little longer than the one
// before it, so that the stage next to the silent one gives up first and names it to the others.
constexpr std::chrono::milliseconds kStageStep{250};

}  // namespace

// Messages without activations are left out on both sides: both know their size.

void PipelineExchange::receive(std::span<float> activations) {
  if (stages_ == 1 || activations.empty()) return;
  const int before = (stage_ + stages_ - 1) % stages_;
  const int from = stage_ > 0 ? transport_.rank() - parts_ : before * parts_;
  encoded_.resize(wire_bytes(wire_, activations.size()));
  transport_.recv(from, encoded_, Tag::activation, Clock::now() + timeout_ + before * kStageStep);
  from_wire(wire_, encoded_, activations);
}

void PipelineExchange::pass_on(std::span<const float> activations) {
  if (stages_ == 1 || activations.empty()) return;
  const bool last = stage_ == stages_ - 1;
  if (last && transport_.rank() % parts_ != 0) return;
  encoded_.resize(wire_bytes(wire_, activations.size()));
  to_wire(wire_, activations, encoded_);
  transport_.send(last ? 0 : transport_.rank() + parts_, encoded_, Tag::activation);
}

}  // namespace covey
