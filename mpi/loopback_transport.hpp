// Ranks as threads of one process.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "mpi/peer_message.hpp"
#include "mpi/transport.hpp"

namespace covey {

/// Where the threads meet. Must outlive its transports' use.
class LoopbackHub {
 public:
  explicit LoopbackHub(int ranks);
  ~LoopbackHub();

  int size() const { return static_cast<int>(transports_.size()); }
  /// The side of `rank`, to be used by one thread.
  Transport& transport(int rank);

 private:
  friend class LoopbackTransport;
  using Queue = std::deque<std::vector<std::byte>>;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::tuple<int, int, Tag, std::uint32_t>, Queue> queues_;  // by (from, to, tag, generation)
  std::vector<std::optional<RankFailure>> failures_;                  // (ranks) what those that called fail() have said
  std::vector<int> failed_;                                           // those, in order
  std::map<std::uint32_t, RankFailure> alarms_;                       // by generation
  std::vector<std::unique_ptr<Transport>> transports_;
};

/// Runs `work` on `ranks` threads at once and waits for all. A rank whose `work` throws fails its transport, so that
/// the others don't wait for it; then the first exception in order of ranks is thrown again.
void run_ranks(int ranks, const std::function<void(Transport&)>& work);

}  // namespace covey
