#include "mpi/message.hpp"

#include <array>
#include <cstdint>
#include <string>

#include "mpi/frame.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

void send_message(Transport& transport, int to, std::span<const std::byte> payload, Tag tag) {
  if (payload.size() > kMaxMessageBytes) {
    throw Error("a " + std::string(tag_name(tag)) + " of " + std::to_string(payload.size()) +
                " bytes is too large to send: the limit is " + std::to_string(kMaxMessageBytes));
  }
  transport.send(to, frame_of(tag, payload), tag);
  if (!payload.empty()) transport.send(to, payload, tag);
}

std::vector<std::byte> recv_message(Transport& transport, int from, Tag tag, Deadline deadline, std::size_t max_bytes) {
  std::array<std::byte, kFrameBytes> header{};
  transport.recv(from, header, tag, deadline);
  const int sender = transport.known_as(from);
  const Frame frame = read_frame(header, sender, tag);
  const std::uint64_t bytes = frame.length;
  if (bytes > max_bytes) {
    throw PeerLost(sender, "rank " + std::to_string(sender) + " announces a " + tag_name(tag) + " of " +
                               std::to_string(bytes) + " bytes: at most " + std::to_string(max_bytes) +
                               " make sense here");
  }
  std::vector<std::byte> payload(static_cast<std::size_t>(bytes));
  if (!payload.empty()) transport.recv(from, payload, tag, deadline);
  check_payload(frame, payload, sender);
  return payload;
}

}  // namespace covey
