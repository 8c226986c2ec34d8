// Start-up: all ranks load their shares at once, then begin together or give up together.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/runner.hpp"
#include "mpi/transport.hpp"

namespace covey {

/// How loading went on one rank.
struct RankStart {
  std::string version;  ///< of the program
  std::string mode;
  std::string settings;           ///< flags that ranks must agree on
  std::string error;              ///< what failed; empty: ready
  bool has_model = false;         ///< false: this rank idles and has nothing to compare
  std::uint64_t fingerprint = 0;  ///< of the model
  RunnerLimits limits;
  std::uint64_t adapters = 0;  ///< fingerprint of what is merged into the model; 0: nothing
  std::string device;          ///< that computes it, as it describes itself
};

std::vector<std::byte> encode_start(const RankStart& start);
/// Throws Error unless `bytes` are exactly one RankStart.
RankStart decode_start(std::span<const std::byte> bytes);

/// Shows rank 0 that this rank is still loading; to be called as often as progress is made.
class LoadingSign {
 public:
  /// `transport` must outlive the object.
  explicit LoadingSign(Transport& transport) : transport_(transport), last_(Clock::now()) {}
  void progress();

 private:
  Transport& transport_;
  Clock::time_point last_;
};

/// Collective. Throws Error on every rank, with the same message, if loading failed on one (which is named), or ranks
/// hold different models, adapters, modes or limits. Rank 0 waits `timeout` for a sign of each rank; the others wait
/// for rank 0, which may load longer than they do, without a deadline. Returns on rank 0 whether all ranks have a
/// model, and devices of one description, which compute the same bits; false elsewhere.
bool start_together(Transport& transport, const RankStart& own, std::chrono::milliseconds timeout);

}  // namespace covey
