// What ranks are like before they work: machines, clocks, and the links between all pairs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mpi/transport.hpp"

namespace covey {

/// One rank's own description.
struct RankHealth {
  std::string host;
  std::string version;  ///< of the program
  std::string isa;      ///< the instruction set that it computes with: $COVEY_ISA, or the best that runs there
  std::int32_t cores = 0;
  std::uint64_t memory_bytes = 0;     ///< of the host; 0: unknown
  std::uint64_t available_bytes = 0;  ///< of that, not in use
  std::uint64_t fingerprint = 0;      ///< of the model; 0: none was asked for, or it can't be read
  std::string model_error;
};

std::vector<std::byte> encode_health(const RankHealth& health);
/// Throws Error unless `bytes` are exactly one RankHealth.
RankHealth decode_health(std::span<const std::byte> bytes);

/// Of this process's machine; the model's part is empty.
RankHealth own_health();

/// Messages from one rank to another.
struct LinkHealth {
  double latency = 0;           ///< seconds: half the median time there and back of 8 bytes
  double bytes_per_second = 0;  ///< of a stream that takes 50 ms or more, or 8 MiB
};

struct Checkup {
  std::vector<RankHealth> ranks;
  std::vector<double> clock_offset;            ///< (ranks) seconds that its clock is ahead of rank 0's
  std::vector<double> clock_error;             ///< (ranks) the offset is known to within so much
  std::vector<std::vector<LinkHealth>> links;  ///< [from][to]
};

/// Collective: rank 0's result; elsewhere it is empty. Pairs are measured one after the other, so that none disturbs
/// another. A rank that is silent for `timeout` counts as lost.
Checkup check_up(Transport& transport, const RankHealth& own, std::chrono::milliseconds timeout);

/// What would keep the ranks from working together, or make them slow; one sentence each, naming ranks.
struct Findings {
  std::vector<std::string> problems;  ///< they can't work together
  std::vector<std::string> remarks;
};
Findings judge_checkup(const Checkup& checkup);

}  // namespace covey
