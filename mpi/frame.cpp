#include "mpi/frame.hpp"

#include <cstring>

#include "mpi/peer_message.hpp"

namespace covey {

namespace {

constexpr auto kMark = std::byte{'C'};
constexpr auto kVersion = std::byte{1};

// One step of a lane. Each word leads to another value, whatever the lane held before: no single change goes unseen.
std::uint64_t stir(std::uint64_t lane, std::uint64_t word) {
  lane = (lane ^ word) * 0x9FB21C651E98DF25U;  // odd, with many bits
  return lane ^ (lane >> 32);
}

// Four lanes, so that the processor works on four words at a time.
std::uint32_t checksum_of(Tag kind, std::span<const std::byte> payload) {
  std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
  std::size_t at = 0;
  std::array<std::uint64_t, 4> words{};
  for (; payload.size() - at >= sizeof(words); at += sizeof(words)) {
    std::memcpy(words.data(), payload.data() + at, sizeof(words));
    for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = stir(lanes[i], words[i]);
  }
  words = {};
  if (at < payload.size()) std::memcpy(words.data(), payload.data() + at, payload.size() - at);
  std::uint64_t all = stir(static_cast<std::uint64_t>(kind), payload.size());
  for (std::size_t i = 0; i < lanes.size(); ++i) all = stir(all, stir(lanes[i], words[i]));
  return static_cast<std::uint32_t>(all);
}

PeerLost malformed_message(int from, Tag kind, const std::string& why) {
  return {from, "rank " + std::to_string(from) + " sent a malformed " + tag_name(kind) + " (" + why +
                    "): all ranks must run the same version of the program; if they do, its host or network is faulty"};
}

}  // namespace

std::array<std::byte, kFrameBytes> frame_of(Tag kind, std::span<const std::byte> payload) {
  std::array<std::byte, kFrameBytes> bytes{kMark, kVersion, static_cast<std::byte>(kind)};
  const std::uint32_t checksum = checksum_of(kind, payload);
  const std::uint64_t length = payload.size();
  std::memcpy(bytes.data() + 4, &checksum, sizeof(checksum));
  std::memcpy(bytes.data() + 8, &length, sizeof(length));
  return bytes;
}

Frame read_frame(std::span<const std::byte> bytes, int from, Tag kind) {
  if (bytes.size() < kFrameBytes) {
    throw malformed_message(from, kind, "cut short after " + std::to_string(bytes.size()) + " bytes");
  }
  if (bytes[0] != kMark || bytes[3] != std::byte{0}) throw malformed_message(from, kind, "it does not begin as one");
  if (bytes[1] != kVersion) {
    throw malformed_message(from, kind,
                            "format " + std::to_string(static_cast<int>(bytes[1])) + " where this program speaks " +
                                std::to_string(static_cast<int>(kVersion)));
  }
  if (bytes[2] != static_cast<std::byte>(kind)) {
    throw malformed_message(from, kind, "it is of kind " + std::to_string(static_cast<int>(bytes[2])));
  }
  Frame frame;
  frame.kind = kind;
  std::memcpy(&frame.checksum, bytes.data() + 4, sizeof(frame.checksum));
  std::memcpy(&frame.length, bytes.data() + 8, sizeof(frame.length));
  return frame;
}

void check_payload(const Frame& frame, std::span<const std::byte> payload, int from) {
  if (payload.size() != frame.length) {
    throw malformed_message(
        from, frame.kind,
        std::to_string(payload.size()) + " bytes where " + std::to_string(frame.length) + " were announced");
  }
  if (checksum_of(frame.kind, payload) != frame.checksum) {
    throw malformed_message(from, frame.kind, "its checksum is wrong");
  }
}

}  // namespace covey
