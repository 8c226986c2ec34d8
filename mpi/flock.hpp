// Ranks that hold whole models and draw texts for rank 0. A rank that is lost, or can't do its part, is missed and
// named; all others go on.
#pragma once

#include <string>
#include <vector>

#include "mpi/command.hpp"
#include "mpi/gathering.hpp"
#include "mpi/task_run.hpp"

namespace covey {

class Flock {
 public:
  /// `bench` must outlive the flock. Ranks silent for `patience` count as lost.
  Flock(FlockBench& bench, std::chrono::milliseconds patience);

  struct Result {
    std::vector<std::vector<Proposal>> proposals;  ///< by question, in order of index
    std::vector<std::vector<std::int32_t>> came;   ///< by question: indices of those that are used, as they came
    bool stopped = false;                          ///< by StopAnswer
  };
  /// Rank 0. `sink` is called after each forward pass and while waiting, with text if the task streams. Throws Error if
  /// rank 0 can't do its part, or if nothing at all was drawn of a question: PeerLost if that is because a rank is
  /// lost.
  Result draw(FlockRound round, const TextSink& sink);

  /// Other ranks: does this rank's part of a task that rank 0 commanded.
  void work(std::span<const std::byte> payload);

  /// Rank 0: takes in what is still owed of rounds that have ended.
  void settle();
  /// Rank 0: does without a rank from here on.
  void lose(int rank, const std::string& why);
  bool is_lost(int rank) const { return peers_[static_cast<std::size_t>(rank)].lost; }
  /// What was lost since the last call.
  std::vector<LostRank> take_losses();
  std::vector<std::int32_t> members() const;

  FlockBench& bench() { return bench_; }
  const FlockBench& bench() const { return bench_; }

 private:
  struct Peer {
    bool lost = false;
    std::int32_t owed = 0;  // samples still to come, of all rounds
    Clock::time_point heard;
  };

  void miss(int rank, const std::string& why);
  void command(int rank, Command::Kind kind, std::span<const std::byte> payload, std::int32_t samples);
  bool hear(int rank, Gathering* gathering);
  void take(int rank, const FlockMessage& message, Gathering* gathering);
  void cancel(const Gathering& gathering, const FlockTask& task, TaskRun& own);
  void cancel(std::int32_t rank, std::uint64_t job, std::int32_t index);
  bool listen(Gathering* gathering);
  void gather(FlockRound& round, TaskRun& own, Gathering& gathering, const TextSink& sink);
  void copy_slow_samples(const FlockRound& round, Gathering& gathering);
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }
  void send(const FlockMessage& message);
  void take_cancellation(std::uint64_t job, TaskRun& run);

  FlockBench& bench_;
  std::chrono::milliseconds patience_;
  std::uint64_t job_ = 0;
  Clock::time_point began_;  // the round
  std::vector<Peer> peers_;  // (ranks)
  std::vector<LostRank> losses_;
};

}  // namespace covey
