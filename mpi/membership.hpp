// Who is in the group that works together: all ranks at first, then those that are left. Rank 0 decides, and tells the
// others in its stream of commands; without rank 0 there is nobody to go on for.
//
// After a loss (generation g, the last known is rank 2):
//
//     rank that noticed    alarm(g) to all: whoever is in the middle of work gives it up
//     rank 0               roll_call(g + 1) to all that are not known to be lost
//     the others           here(g + 1)
//     rank 0               regroup(g + 1, members) to all of generation g
//     members              enter the group; whatever they exchange from here on is of generation g + 1
//     those left out       end, if they are there
//
// A loss on the way begins the same again with a later generation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mpi/ledger.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

class Membership {
 public:
  /// `ledger` must outlive the object. Whoever has not answered a roll call after `patience` is lost.
  Membership(Ledger& ledger, std::chrono::milliseconds patience);

  /// Ranks, ascending.
  const std::vector<int>& members() const { return members_; }
  bool is_member(int rank) const;

  /// Rank 0: finds out who is left after `loss` and forms a group of them. Throws PeerLost if rank 0 itself was given
  /// up by the others.
  void regroup(const PeerLost& loss);
  /// Rank 0: does without a rank, without a new group: at the end of the work.
  void leave_out(const PeerLost& loss);
  /// Rank 0: ranks that were lost since the last call.
  std::vector<RankFailure> take_losses();

  /// Other ranks: answer rank 0's roll call, and enter the group it formed. Both throw Error if `payload` is malformed.
  void answer(std::span<const std::byte> payload);
  void enter(std::span<const std::byte> payload);

 private:
  void call_roll(const PeerLost& loss);
  void hear(int rank, Deadline deadline);
  void lose(const RankFailure& failure);

  Ledger& ledger_;
  std::chrono::milliseconds patience_;
  std::uint32_t generation_ = 0;
  std::vector<int> members_;
  std::vector<int> doubted_;  // blamed for silence once; the second time it counts
  std::vector<RankFailure> losses_;
};

std::vector<std::byte> encode_group(std::uint32_t generation, std::span<const int> members);
/// A group of a later generation: what it is and who is in it, ascending and rank 0 first. Throws Error unless `bytes`
/// are exactly that.
std::pair<std::uint32_t, std::vector<int>> decode_group(std::span<const std::byte> bytes);

}  // namespace covey
