#include "mpi/command.hpp"

#include "mpi/message.hpp"

namespace covey {

void send_command_to(Transport& transport, int to, Tag tag, Command::Kind kind, std::span<const std::byte> payload) {
  std::vector<std::byte> message{static_cast<std::byte>(kind)};
  message.insert(message.end(), payload.begin(), payload.end());
  send_message(transport, to, message, tag);
}

void send_command(Transport& transport, Tag tag, Command::Kind kind, std::span<const std::byte> payload) {
  for (int rank = 1; rank < transport.size(); ++rank) send_command_to(transport, rank, tag, kind, payload);
}

Command recv_command(Transport& transport, Tag tag) {
  std::vector<std::byte> message = recv_message(transport, 0, tag, kNoDeadline);
  if (message.empty() || message.front() > static_cast<std::byte>(Command::Kind::regroup)) {
    throw Error("malformed command from rank 0: all ranks must run the same version of the program");
  }
  const auto kind = static_cast<Command::Kind>(message.front());
  message.erase(message.begin());
  return {kind, std::move(message)};
}

}  // namespace covey
