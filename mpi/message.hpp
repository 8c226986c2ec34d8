// Messages whose size the receiver does not know: a frame (frame.hpp), then the payload.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mpi/transport.hpp"

namespace covey {

/// No message between ranks is larger: a prompt of many thousand tokens fits, a corrupt length does not.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{64} << 20;

/// Throws Error if the payload is over kMaxMessageBytes, else as Transport::send.
void send_message(Transport& transport, int to, std::span<const std::byte> payload, Tag tag);
/// Throws PeerLost if the sender announces more than `max_bytes`, or what comes is no message; else as
/// Transport::recv.
std::vector<std::byte> recv_message(Transport& transport, int from, Tag tag, Deadline deadline,
                                    std::size_t max_bytes = kMaxMessageBytes);

}  // namespace covey
