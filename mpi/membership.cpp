#include "mpi/membership.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "mpi/byte_stream.hpp"
#include "mpi/command.hpp"
#include "mpi/message.hpp"

namespace covey {

namespace {

// Whoever has been silent for the whole timeout already gets this long to show that it only waited for another.
constexpr std::chrono::milliseconds kGrace{1000};

}  // namespace

std::vector<std::byte> encode_group(std::uint32_t generation, std::span<const int> members) {
  ByteWriter out;
  out.varint(generation);
  out.varint(members.size());
  for (const int rank : members) out.varint(static_cast<std::uint32_t>(rank));
  return out.take();
}

std::pair<std::uint32_t, std::vector<int>> decode_group(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "group");
  const std::uint64_t generation = in.varint();
  if (generation > std::numeric_limits<std::uint32_t>::max()) in.malformed("the generation is out of range");
  std::vector<int> members(in.count(1));
  for (int& rank : members) rank = in.index();
  in.end();
  if (std::ranges::adjacent_find(members, std::ranges::greater_equal()) != members.end()) {
    in.malformed("its ranks are not in order");
  }
  return {static_cast<std::uint32_t>(generation), std::move(members)};
}

Membership::Membership(Ledger& ledger, std::chrono::milliseconds patience) : ledger_(ledger), patience_(patience) {
  for (int rank = 0; rank < ledger.size(); ++rank) members_.push_back(rank);
}

bool Membership::is_member(int rank) const { return std::ranges::binary_search(members_, rank); }

std::vector<RankFailure> Membership::take_losses() { return std::exchange(losses_, {}); }

// -- Rank 0 -----------------------------------------------------------------------------------------------------------

void Membership::lose(const RankFailure& failure) {
  if (std::erase(members_, failure.rank) == 0) return;
  losses_.push_back({failure.rank, name_rank(failure.rank, failure.message), failure.certain});
}

void Membership::leave_out(const PeerLost& loss) { lose({loss.rank(), loss.what(), loss.certain()}); }

void Membership::regroup(const PeerLost& loss) {
  const bool again = std::ranges::find(doubted_, loss.rank()) != doubted_.end();
  if (loss.rank() == 0 && (loss.certain() || again)) {
    throw Error("the other ranks have given up rank 0: " + std::string(loss.what()));
  }
  ledger_.alarm(loss);
  const std::vector<int> before = members_;
  if (loss.certain() || again) {
    leave_out(loss);
  } else {
    doubted_.push_back(loss.rank());
  }
  call_roll(loss);
  const auto group = encode_group(generation_, members_);
  for (const int rank : before) {  // those that are left out, too: they may be there still, and wait
    if (rank == 0) continue;
    try {
      send_command_to(ledger_, rank, Tag::batch, Command::Kind::regroup, group);
    } catch (const PeerLost&) {
      // It is not there. If it was to be a member, it is missed when they meet.
    }
  }
  ledger_.regroup(generation_, members_);
}

void Membership::call_roll(const PeerLost& loss) {
  ++generation_;
  const auto call = encode_group(generation_, members_);
  const auto start = Clock::now();
  for (const int rank : std::vector<int>(members_)) {
    if (rank == 0) continue;
    try {
      send_command_to(ledger_, rank, Tag::batch, Command::Kind::roll_call, call);
    } catch (const PeerLost& gone) {
      lose({rank, gone.what()});
    }
  }
  for (const int rank : std::vector<int>(members_)) {
    if (rank == 0) continue;
    try {
      hear(rank, start + (rank == loss.rank() ? std::min(kGrace, patience_) : patience_));
    } catch (const PeerLost& gone) {
      // What made it suspect says more than that it didn't answer either.
      lose({rank, rank == loss.rank() && !gone.certain() ? loss.what() : gone.what()});
    }
  }
}

// Answers to earlier calls may be under way still.
void Membership::hear(int rank, Deadline deadline) {
  for (std::uint64_t generation = 0; generation != generation_;) {
    const auto message = recv_message(ledger_, rank, Tag::membership, deadline);
    if (message.size() != sizeof(generation))
      throw wrong_size(rank, Tag::membership, message.size(), sizeof(generation));
    generation = ByteReader(message, "answer to the roll call").u64();
  }
}

// -- Other ranks ------------------------------------------------------------------------------------------------------

void Membership::answer(std::span<const std::byte> payload) {
  ByteWriter out;
  out.u64(decode_group(payload).first);
  send_message(ledger_, 0, out.take(), Tag::membership);
}

void Membership::enter(std::span<const std::byte> payload) {
  auto [generation, members] = decode_group(payload);
  const bool sensible =
      generation > generation_ && !members.empty() && members.front() == 0 && members.back() < ledger_.size();
  if (sensible && !std::ranges::binary_search(members, ledger_.rank())) {
    throw Error("rank " + std::to_string(ledger_.rank()) + " was given up: the others have gone on without it");
  }
  if (!sensible) throw Error("rank 0 has formed a group that makes no sense: run the same program everywhere");
  generation_ = generation;
  members_ = std::move(members);
  ledger_.regroup(generation_, members_);
}

}  // namespace covey
