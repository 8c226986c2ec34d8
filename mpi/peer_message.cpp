#include "mpi/peer_message.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace covey {

namespace {

std::string seconds_text(std::chrono::duration<double> time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), time.count() < 10 ? "%.1f s" : "%.0f s", time.count());
  return text.data();
}

}  // namespace

const char* tag_name(Tag tag) {
  switch (tag) {
    case Tag::control:
      return "control message";
    case Tag::batch:
      return "batch";
    case Tag::activation:
      return "activations";
    case Tag::partial:
      return "partial sums";
    case Tag::text:
      return "text";
    case Tag::membership:
      return "answer to the roll call";
    case Tag::weights:
      return "layers";
  }
  return "message";
}

PeerLost silent_peer(int from, Tag tag, std::chrono::duration<double> waited) {
  return {from,
          "rank " + std::to_string(from) + " has not answered for " + seconds_text(waited) + " (waiting for its " +
              tag_name(tag) + "): check its host and the network, or raise --timeout if it is only slow",
          false};
}

PeerLost stuck_peer(int to, std::chrono::duration<double> waited) {
  return {to,
          "rank " + std::to_string(to) + " has taken no message for " + seconds_text(waited) +
              ": check its host and the network, or raise --timeout if it is only slow",
          false};
}

PeerLost ended_peer(int peer) {
  return {peer, "rank " + std::to_string(peer) + " is lost: its process has ended (killed, or crashed)"};
}

PeerLost wrong_size(int from, Tag tag, std::size_t got, std::size_t wanted) {
  return {from, "rank " + std::to_string(from) + " sent " + tag_name(tag) + " of " + std::to_string(got) +
                    " bytes where " + std::to_string(wanted) +
                    " were expected: all ranks must run the same program with the same flags"};
}

std::string name_rank(int rank, const std::string& why) {
  constexpr std::string_view kName = "rank ";
  const bool names_one =
      why.size() > kName.size() && why.starts_with(kName) && why[kName.size()] >= '0' && why[kName.size()] <= '9';
  return names_one ? why : "rank " + std::to_string(rank) + ": " + why;
}

void check_peer(const Transport& transport, int peer) {
  if (peer < 0 || peer >= transport.size() || peer == transport.rank()) {
    throw Error("rank " + std::to_string(transport.rank()) + " can't exchange messages with rank " +
                std::to_string(peer) + " of " + std::to_string(transport.size()));
  }
}

}  // namespace covey
