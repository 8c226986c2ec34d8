// What a rank tells all others when something has gone wrong, as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mpi/peer_message.hpp"

namespace covey {

struct FailureNews {
  /// alarm: the group has lost a rank; failed: the sender itself can't go on.
  enum class Kind : std::uint8_t { alarm, failed };
  Kind kind = Kind::failed;
  std::uint32_t generation = 0;  ///< of the group
  RankFailure failure;
};

/// No news is longer: messages are cut.
inline constexpr std::size_t kMostNewsBytes = 2048;

std::vector<std::byte> encode_news(const FailureNews& news);
/// Throws Error unless `bytes` are exactly one FailureNews.
FailureNews decode_news(std::span<const std::byte> bytes);

}  // namespace covey
