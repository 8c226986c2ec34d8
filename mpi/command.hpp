// What rank 0 tells the others to do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mpi/transport.hpp"

namespace covey {

struct Command {
  /// cancel: of work that is under way; nothing to do where it has ended. roll_call, regroup: membership.hpp.
  enum class Kind : std::uint8_t { work, end, cancel, roll_call, regroup };
  Kind kind = Kind::end;
  std::vector<std::byte> payload;  ///< of work and cancel: what a mode makes of it
};

/// Rank 0: tells one.
void send_command_to(Transport& transport, int to, Tag tag, Command::Kind kind, std::span<const std::byte> payload);
/// Rank 0: tells all others.
void send_command(Transport& transport, Tag tag, Command::Kind kind, std::span<const std::byte> payload);

/// Another rank: waits for rank 0's next command, for as long as it takes, since a user may be thinking; only a failed
/// rank ends the wait (PeerLost).
Command recv_command(Transport& transport, Tag tag);

}  // namespace covey
