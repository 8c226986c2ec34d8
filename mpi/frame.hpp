// What goes in front of a message between ranks, so that none is taken for what it is not:
//
//   byte   0      1         2      3      4 … 7             8 … 15
//          'C' | version | kind |  0  | checksum, u32 | length of the payload, u64      little-endian
//
// The checksum is over kind, length and payload. It finds what a faulty host or another program does to a message; it
// is no protection against somebody who wants to deceive.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mpi/transport.hpp"

namespace covey {

inline constexpr std::size_t kFrameBytes = 16;

struct Frame {
  Tag kind = Tag::control;
  std::uint32_t checksum = 0;
  std::uint64_t length = 0;
};

std::array<std::byte, kFrameBytes> frame_of(Tag kind, std::span<const std::byte> payload);

/// Reads the first bytes of a message that rank `from` should have sent as one of `kind`. Throws PeerLost unless
/// they are a frame of this version and kind. The length is not to be trusted yet.
Frame read_frame(std::span<const std::byte> bytes, int from, Tag kind);
/// Throws PeerLost unless `payload` is what the frame announced.
void check_payload(const Frame& frame, std::span<const std::byte> payload, int from);

}  // namespace covey
