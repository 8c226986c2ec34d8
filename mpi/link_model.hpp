// When a message would arrive over a network that isn't here. Pure arithmetic on given times.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/transport.hpp"

namespace covey {

/// One direction of a link between two ranks. Each ordered pair of ranks has its own: a shared medium is not modelled.
struct LinkProfile {
  std::string name;
  std::chrono::duration<double> latency{0};  ///< one way
  std::chrono::duration<double> jitter{0};   ///< added to it: evenly from 0 to this, drawn with `seed`
  double bits_per_second = 0;                ///< 0: unlimited
  std::uint64_t seed = 0;
  std::int32_t lost_rank = -1;  ///< cut off after `lost_after`; -1: none
  bool dies = false;            ///< it does not only fall silent: it ends, and the others are told
  std::chrono::duration<double> lost_after{0};
};

/// 10gbe, 1gbe, 100mbe, wifi5, wifi-bad, lte, wan.
std::span<const LinkProfile> link_profiles();

/// A profile's name, settings, or both: "wifi5", "latency=2ms,bandwidth=100mbit,jitter=1ms", "lte,seed=7",
/// "1gbe,lose=2@1.5s" (rank 2 is cut off after 1.5 s), "1gbe,die=2@1.5s" (it ends then). Settings alone may follow
/// "custom:". Times in us, ms or s; bandwidth in kbit, mbit or gbit (per
/// second). Throws Error naming what can't be read.
LinkProfile find_link_profile(std::string_view text);

/// All links that leave one rank.
class LinkModel {
 public:
  LinkModel(LinkProfile profile, int rank, int ranks, Clock::time_point start);

  /// When this rank ends; nullopt if it does not.
  std::optional<Clock::time_point> death() const;
  /// When a message of `bytes` handed over at `now` has arrived at `to`; nullopt if it never does. Messages queue for
  /// the link and never overtake each other. Bytes are charged as Ethernet frames with TCP/IP headers.
  std::optional<Clock::time_point> arrival(int to, std::size_t bytes, Clock::time_point now);

 private:
  struct Link {
    Clock::time_point busy_until;
    Clock::time_point last_arrival;
    std::uint64_t random = 0;
  };

  LinkProfile profile_;
  int rank_;
  Clock::time_point start_;
  std::vector<Link> links_;  // (ranks) by receiver
};

}  // namespace covey
