// What users read when a rank is lost: one wording for all transports.
#pragma once

#include <chrono>
#include <string>

#include "mpi/transport.hpp"

namespace covey {

/// A rank that can't go on, and the message for people, which names it.
struct RankFailure {
  int rank = 0;
  std::string message;
  bool certain = true;  ///< see PeerLost
};
inline PeerLost lost(const RankFailure& failure) { return {failure.rank, failure.message, failure.certain}; }

/// "activations", "text", …
const char* tag_name(Tag tag);

/// `from` sent nothing of `tag` while this rank waited that long.
PeerLost silent_peer(int from, Tag tag, std::chrono::duration<double> waited);
/// `to` takes no more messages.
PeerLost stuck_peer(int to, std::chrono::duration<double> waited);
/// The process of `peer` is no more.
PeerLost ended_peer(int peer);
/// `from` sent `got` bytes where `wanted` were expected: the ranks are not in step.
PeerLost wrong_size(int from, Tag tag, std::size_t got, std::size_t wanted);
/// Names the rank at the front of `why`, unless a rank is named there already: that one is the cause.
std::string name_rank(int rank, const std::string& why);

/// Throws Error unless `peer` is another rank of `transport`.
void check_peer(const Transport& transport, int peer);

}  // namespace covey
