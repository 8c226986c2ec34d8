// What rank 0 tells the others to do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mpi/transport.hpp"

namespace covey {

struct Command {
  enum class Kind : std::uint8_t { work, end };
  Kind kind = Kind::end;
  std::vector<std::byte> payload;  ///< of work: what a mode makes of it
};

/// Rank 0: tells all others.
void send_command(Transport& transport, Tag tag, Command::Kind kind, std::span<const std::byte> payload);

/// Another rank: waits for rank 0's next command, for as long as it takes, since a user may be thinking; only a failed
/// rank ends the wait (PeerLost).
Command recv_command(Transport& transport, Tag tag);

}  // namespace covey
