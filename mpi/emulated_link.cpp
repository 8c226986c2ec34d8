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

Clock::time_point arrival_of(std::span<const std::byte> stamped) {
  Stamp stamp = 0;
  std::memcpy(&stamp, stamped.data(), sizeof(stamp));
  return Clock::time_point{Clock::duration(stamp)};
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
  if (auto early = early_.extract({from, tag})) {
    stamped_ = std::move(early.mapped());
    if (stamped_.size() != sizeof(Stamp) + bytes.size()) {
      throw wrong_size(from, tag, stamped_.size() - sizeof(Stamp), bytes.size());
    }
  } else {
    stamped_.resize(sizeof(Stamp) + bytes.size());
    below_.recv(from, stamped_, tag, deadline);
  }
  live_or_die();
  const Clock::time_point arrival = arrival_of(stamped_);
  if (arrival > deadline) {
    time_.wait_until(deadline);
    throw silent_peer(from, tag, deadline - start);
  }
  if (arrival > start) time_.wait_until(arrival);
  std::copy(stamped_.begin() + sizeof(Stamp), stamped_.end(), bytes.begin());
}

bool EmulatedLink::arrived(int from, std::size_t bytes, Tag tag) {
  if (tag == Tag::control) return below_.arrived(from, bytes, tag);
  live_or_die();
  auto early = early_.find({from, tag});
  if (early == early_.end()) {
    const std::size_t stamped = sizeof(Stamp) + bytes;
    if (!below_.arrived(from, stamped, tag)) return false;
    early = early_.try_emplace({from, tag}, stamped).first;
    below_.recv(from, early->second, tag, kNoDeadline);
  }
  return arrival_of(early->second) <= time_.now();
}

void EmulatedLink::regroup(std::uint32_t generation, std::span<const int> members) {
  std::erase_if(early_, [](const auto& message) { return !outlasts_losses(message.first.second); });
  below_.regroup(generation, members);
}

}  // namespace covey
