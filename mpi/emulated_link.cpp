#include "mpi/emulated_link.hpp"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "mpi/peer_message.hpp"

namespace covey {

namespace {

using Stamp = Clock::rep;

// By so much a sleep may end late, which would count as the network's.
constexpr std::chrono::microseconds kLateWakening{100};

EmulatedLink::Time system_time() {
  return {[] { return Clock::now(); },
          [](Clock::time_point until) {
            std::this_thread::sleep_until(until - kLateWakening);
            while (Clock::now() < until) std::this_thread::yield();
          }};
}

}  // namespace

EmulatedLink::EmulatedLink(Transport& below, const LinkProfile& profile)
    : EmulatedLink(below, profile, system_time()) {}

EmulatedLink::EmulatedLink(Transport& below, const LinkProfile& profile, Time time)
    : below_(below), time_(std::move(time)), model_(profile, below.rank(), below.size(), time_.now()) {
  if (below.host_size() != below.size()) {
    throw Error("link " + profile.name + ": ranks on several hosts can't emulate a network: run them all on one host");
  }
  if (profile.lost_rank >= below.size()) {
    throw Error("link " + profile.name + ": there is no rank " + std::to_string(profile.lost_rank) + " to lose among " +
                std::to_string(below.size()));
  }
}

void EmulatedLink::live_or_die() const {
  const auto death = model_.death();
  if (death && time_.now() >= *death) {
    throw Error("rank " + std::to_string(rank()) + " dies here, as its link was told (die=)");
  }
}

void EmulatedLink::send(int to, std::span<const std::byte> bytes, Tag tag) {
  live_or_die();
  if (tag == Tag::control) return below_.send(to, bytes, tag);
  check_peer(*this, to);
  const auto arrival = model_.arrival(to, bytes.size(), time_.now());
  if (!arrival) return;
  const Stamp stamp = arrival->time_since_epoch().count();
  stamped_.resize(sizeof(stamp) + bytes.size());
  std::memcpy(stamped_.data(), &stamp, sizeof(stamp));
  std::copy(bytes.begin(), bytes.end(), stamped_.begin() + sizeof(stamp));
  below_.send(to, stamped_, tag);
}

void EmulatedLink::recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) {
  live_or_die();
  if (tag == Tag::control) return below_.recv(from, bytes, tag, deadline);
  const auto start = time_.now();
  Stamp stamp = 0;
  stamped_.resize(sizeof(stamp) + bytes.size());
  below_.recv(from, stamped_, tag, deadline);
  live_or_die();
  std::memcpy(&stamp, stamped_.data(), sizeof(stamp));
  const Clock::time_point arrival{Clock::duration(stamp)};
  if (arrival > deadline) {
    time_.wait_until(deadline);
    throw silent_peer(from, tag, deadline - start);
  }
  if (arrival > start) time_.wait_until(arrival);
  std::copy(stamped_.begin() + sizeof(stamp), stamped_.end(), bytes.begin());
}

}  // namespace covey
