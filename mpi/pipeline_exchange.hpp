// Pipeline parallel: activations go round the ring of stages, stage = rank.
#pragma once

#include "model/exchange.hpp"
#include "mpi/transport.hpp"

namespace covey {

class PipelineExchange final : public Exchange {
 public:
  /// `transport` must outlive the object. A stage that sends nothing for `timeout` counts as lost.
  PipelineExchange(Transport& transport, std::chrono::milliseconds timeout)
      : transport_(transport), timeout_(timeout) {}

  void receive(std::span<float> activations) override;
  void pass_on(std::span<const float> activations) override;

 private:
  Transport& transport_;
  std::chrono::milliseconds timeout_;
};

}  // namespace covey
