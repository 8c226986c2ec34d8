// Bytes between ranks over Open MPI.
//
// Only Isend, Irecv, Iprobe and Test, always with a deadline: Open MPI 4 reports no lost peer, and its blocking calls
// wait for one for ever. A message is cut in chunks that go out eagerly, so that a sender that computes does not hold
// up its receiver:
//
//     message  =  [ frame | payload ... ][ payload ... ] ...      chunks of at most kChunkBytes; frame: frame.hpp
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "mpi/transport.hpp"

namespace covey {

/// MPI from its initialisation to its end; one in a process's life. Sets the process-level parameters of Open MPI that
/// the user has not set (OMPI_MCA_… variables win), ignores SIGPIPE, and touches every pair of ranks once, so that no
/// connection is made later.
class MpiWorld {
 public:
  MpiWorld();
  ~MpiWorld();
  MpiWorld(const MpiWorld&) = delete;
  MpiWorld& operator=(const MpiWorld&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int host_rank() const { return host_rank_; }
  int host_size() const { return host_size_; }
  /// Process ids by rank; -1 for ranks on other hosts, and those whose process ids mean nothing here.
  const std::vector<int>& processes() const { return processes_; }

 private:
  void meet_host();
  void touch_pairs() const;

  int rank_ = 0, size_ = 1, host_rank_ = 0, host_size_ = 1;
  std::vector<int> processes_;
};

/// Its name and version, and whether this program uses its ULFM (ulfm_watch.hpp).
std::string mpi_library();

/// As all transports, used by one thread at a time.
class MpiTransport final : public Transport {
 public:
  /// Collective. A peer that takes nothing of what waits for it for `patience` counts as lost.
  explicit MpiTransport(std::chrono::milliseconds patience);
  /// Gives waiting messages a moment to leave. What a lost peer never took is left to MPI, which may still read it.
  ~MpiTransport() override;

  int rank() const override { return world_.rank(); }
  int size() const override { return world_.size(); }
  int host_size() const override { return world_.host_size(); }
  int host_rank() const override { return world_.host_rank(); }
  void send(int to, std::span<const std::byte> bytes, Tag tag) override;
  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override;
  bool ready(int from, Tag tag) override;
  bool can_sum() const override;
  void sum(std::span<float> values, Deadline deadline) override;
  void outlive_others() override;
  void alarm(const PeerLost& loss) noexcept override;
  void regroup(std::uint32_t generation, std::span<const int> members) override;
  void fail(const std::string& why) noexcept override;

 private:
  struct Impl;
  MpiWorld world_;
  std::unique_ptr<Impl> impl_;  // ends before the world
};

}  // namespace covey
