// Pipeline parallel: activations go round the ring of stages. A stage is one rank, or `parts` consecutive ones that
// hold the same activations; each hands them to the rank of its part in the next stage. What comes back to the first
// stage goes to its first part, which has the head:
//
//     parts = 2      rank 0 -> 2 -> 4 -> 0        stage = rank / parts
//                    rank 1 -> 3 -> 5
#pragma once

#include <vector>

#include "model/exchange.hpp"
#include "mpi/transport.hpp"
#include "mpi/wire_type.hpp"

namespace covey {

class PipelineExchange final : public Exchange {
 public:
  /// `transport` must outlive the object. A stage that sends nothing for `timeout` counts as lost. `parts` divides the
  /// number of ranks.
  PipelineExchange(Transport& transport, std::chrono::milliseconds timeout, WireType wire, int parts = 1)
      : transport_(transport),
        timeout_(timeout),
        wire_(wire),
        parts_(parts),
        stage_(transport.rank() / parts),
        stages_(transport.size() / parts) {}

  void receive(std::span<float> activations) override;
  /// Returns once the message is handed over; it travels while this rank goes on.
  void pass_on(std::span<const float> activations) override;

 private:
  Transport& transport_;
  std::chrono::milliseconds timeout_;
  WireType wire_;
  int parts_;
  int stage_;
  int stages_;
  std::vector<std::byte> encoded_;
};

}  // namespace covey
