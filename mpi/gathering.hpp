// What has come of the samples that ranks of a flock draw, on rank 0; and which of them a rank that is done might draw
// as well, since the one that has them is slow (the backup tasks of Dean and Ghemawat, "MapReduce", OSDI 2004; whom to
// back up as in Zaharia et al., "Improving MapReduce Performance in Heterogeneous Environments", OSDI 2008).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/flock_task.hpp"

namespace covey {

/// What to draw, and how long to wait for it.
struct FlockRound {
  FlockTask task;           ///< no members: all ranks that are left
  std::int32_t quorum = 0;  ///< so many samples of each question suffice; 0: all
  std::int32_t layer = 0;
  /// Told of each sample that was drawn, in the order in which they came.
  std::function<void(std::size_t question, const Proposal&)> arrived;
  /// If set, told what other ranks have of a sample of the first question before it ends: `text` follows on what was
  /// told before.
  std::function<void(std::int32_t index, std::string_view text)> drafted;
  /// Called while there is nothing to do but wait; does some work, or returns false.
  std::function<bool()> idle;
};

class Gathering {
 public:
  /// Whether a rank is lost.
  using Lost = std::function<bool(std::int32_t rank)>;

  /// `round` must outlive the object.
  Gathering(const FlockRound& round, Lost lost);

  std::uint64_t job() const { return round_.task.job; }
  /// By question: indices of samples that are used, as they came.
  const std::vector<std::vector<std::int32_t>>& came() const { return came_; }

  /// False if there is no such sample to come of this rank.
  bool arrive(std::int32_t question, std::int32_t index, std::int32_t rank, Completion&& completion);
  /// False if that rank does not draw it.
  bool draft(std::int32_t index, std::int32_t rank, std::string_view text);
  void fail(std::int32_t rank) { failed_.push_back(rank); }
  /// Whether that rank is there, and can do its part.
  bool draws(std::int32_t rank) const;

  /// Whether there is a quorum of every question.
  bool full() const;
  /// Whether nothing is to be expected any more.
  bool complete() const;
  /// Samples that will not come any more are the lost ranks'; those that need not are late.
  std::vector<std::vector<Proposal>> take();

  // A sample of the first question that two ranks draw: the one that comes first counts, and both are the same.
  struct Copy {
    std::uint64_t job = 0;
    std::int32_t rank = 0;   ///< that draws it too
    std::int32_t index = 0;  ///< of the sample
    std::int32_t owner = 0;  ///< whose sample it is
  };
  /// The sample that `rank`, which has nothing to do, would have drawn long before its owner, if there is one;
  /// `elapsed` seconds into the round. Only by drafts is it known how far an owner is.
  std::optional<std::int32_t> worth_copying(std::int32_t rank, double elapsed) const;
  void copied(std::uint64_t job, std::int32_t rank, std::int32_t index, double elapsed);
  std::span<const Copy> copies() const { return copies_; }
  /// nullptr if no copy has that number.
  const Copy* copy_of(std::uint64_t job) const;
  /// A copy will not come.
  void drop(std::uint64_t job);
  /// `rank` is done with all that it had to draw, `elapsed` seconds into the round.
  void done(std::int32_t rank, double elapsed);
  /// What need not be gone on with, since the other rank was faster.
  struct Stop {
    std::int32_t rank = 0;
    std::uint64_t job = 0;
    std::int32_t index = 0;  ///< of the sample in that job
  };
  std::vector<Stop> take_stops();

  std::string text;  ///< streamed by another rank, not yet shown

 private:
  Proposal& at(std::int32_t question, std::int32_t index) {
    return proposals_[static_cast<std::size_t>(question)][static_cast<std::size_t>(index)];
  }
  const Proposal& first_at(std::int32_t index) const { return proposals_.front()[static_cast<std::size_t>(index)]; }
  bool full(std::size_t question) const;
  const Copy* copy_with(std::int32_t index) const;
  double seconds_left(std::int32_t owner, double elapsed) const;
  double seconds_to_copy(std::int32_t rank, double elapsed) const;

  const FlockRound& round_;
  Lost lost_;
  std::vector<std::vector<Proposal>> proposals_;
  std::vector<std::vector<std::int32_t>> came_;  // (questions)
  std::vector<std::int32_t> failed_;             // ranks that are there but can't do their part
  std::vector<Copy> copies_;
  std::vector<Stop> stops_;           // not yet taken
  std::vector<std::size_t> drafted_;  // by sample of the first question: bytes
  struct Work {
    double began = 0;  // seconds into the round
    double took = 0;   // seconds, 0 while it is under way
  };
  std::vector<Work> works_;  // by rank: the last
};

}  // namespace covey
