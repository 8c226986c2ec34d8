// Measuring the link between two ranks, and how far apart their clocks are: one asks, the other answers.
#pragma once

#include <span>
#include <vector>

#include "mpi/checkup.hpp"
#include "mpi/transport.hpp"

namespace covey {

struct PairHealth {
  LinkHealth there, back;
};
std::vector<std::byte> encode_pair(const PairHealth& pair);
/// Throws Error unless `bytes` are exactly one PairHealth of usable numbers.
PairHealth decode_pair(std::span<const std::byte> bytes);

/// One calls probe_pair, its peer answer_probe.
PairHealth probe_pair(Transport& transport, int peer, std::chrono::milliseconds timeout);
void answer_probe(Transport& transport, int peer, std::chrono::milliseconds timeout);

struct ClockReading {
  double offset = 0;  ///< seconds that the peer's clock is ahead
  double error = 0;   ///< known to within so much
};
/// One calls read_clock, its peer answer_clock.
ClockReading read_clock(Transport& transport, int peer, std::chrono::milliseconds timeout);
void answer_clock(Transport& transport, int peer, std::chrono::milliseconds timeout);

}  // namespace covey
