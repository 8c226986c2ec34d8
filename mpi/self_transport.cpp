#include "mpi/self_transport.hpp"

#include "mpi/peer_message.hpp"

namespace covey {

void SelfTransport::send(int to, std::span<const std::byte>, Tag) { check_peer(*this, to); }

void SelfTransport::recv(int from, std::span<std::byte>, Tag, Deadline) { check_peer(*this, from); }

bool SelfTransport::ready(int from, Tag) {
  check_peer(*this, from);
  return false;
}

}  // namespace covey
