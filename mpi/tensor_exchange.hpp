// Tensor parallel: partial sums of all ranks become the sum on all ranks, added in order of ranks 0, 1, 2, … so that
// every rank holds the same bits and a run repeats exactly.
#pragma once

#include <vector>

#include "model/exchange.hpp"
#include "mpi/transport.hpp"

namespace covey {

class TensorExchange final : public Exchange {
 public:
  enum class Algorithm : std::uint8_t {
    automatic,  ///< direct for two ranks and for small sums, else sliced
    direct,     ///< everybody sends everything to everybody: one message's delay, (ranks - 1) * size sent by each
    sliced,     ///< each rank adds one slice and sends it round: two messages' delay, about 2 * size sent by each
  };

  /// `transport` must outlive the object. A peer that sends nothing for `timeout` counts as lost.
  TensorExchange(Transport& transport, std::chrono::milliseconds timeout, Algorithm algorithm = Algorithm::automatic);

  void sum(std::span<float> partial) override;

 private:
  void sum_direct(std::span<float> partial);
  void sum_sliced(std::span<float> partial);
  void send(int to, std::span<const float> values);
  void recv(int from, std::span<float> values);

  Transport& transport_;
  std::chrono::milliseconds timeout_;
  Algorithm algorithm_;
  std::vector<float> total_;  // (at most a window)
  std::vector<float> peer_;   // (the same)
};

}  // namespace covey
