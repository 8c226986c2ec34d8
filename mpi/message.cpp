#include "mpi/message.hpp"

#include <array>
#include <cstdint>
#include <string>

#include "mpi/byte_stream.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

void send_message(Transport& transport, int to, std::span<const std::byte> payload, Tag tag) {
  if (payload.size() > kMaxMessageBytes) {
    throw Error("a " + std::string(tag_name(tag)) + " of " + std::to_string(payload.size()) +
                " bytes is too large to send: the limit is " + std::to_string(kMaxMessageBytes));
  }
  ByteWriter length;
  length.u64(payload.size());
  transport.send(to, length.take(), tag);
  if (!payload.empty()) transport.send(to, payload, tag);
}

std::vector<std::byte> recv_message(Transport& transport, int from, Tag tag, Deadline deadline, std::size_t max_bytes) {
  std::array<std::byte, 8> length{};
  transport.recv(from, length, tag, deadline);
  const std::uint64_t bytes = ByteReader(length, "message length").u64();
  if (bytes > max_bytes) {
    throw Error("rank " + std::to_string(from) + " announces a " + tag_name(tag) + " of " + std::to_string(bytes) +
                " bytes: at most " + std::to_string(max_bytes) + " make sense here");
  }
  std::vector<std::byte> payload(static_cast<std::size_t>(bytes));
  if (!payload.empty()) transport.recv(from, payload, tag, deadline);
  return payload;
}

}  // namespace covey
