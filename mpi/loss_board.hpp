// What one rank of a transport knows of losses, and what follows for its exchange of messages with each peer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mpi/failure_news.hpp"

namespace covey {

class LossBoard {
 public:
  LossBoard(int rank, int ranks) : rank_(rank), peers_(static_cast<std::size_t>(ranks)) {}

  std::uint32_t generation() const { return generation_; }
  /// The first loss that became known in this generation.
  const std::optional<RankFailure>& first() const { return first_; }
  /// Nothing may be sent to it any more.
  bool is_gone(int peer) const { return at(peer).gone; }
  /// It has said itself that it can't go on, or is known to have ended.
  bool has_failed(int peer) const { return at(peer).failure.has_value(); }

  void outlive_others() { outlives_ = true; }
  bool outlives() const { return outlives_; }
  void give_up(int peer) { at(peer).gone = true; }
  /// Enters a loss that this rank noticed itself. One that is only silent may be innocent: where the group decides what
  /// becomes of it, messages can still be sent to it.
  void enter(const PeerLost& loss);
  /// Enters what `source` has told.
  void hear(int source, FailureNews news);
  /// Whether the group must still be told of a loss: true once in each generation.
  bool raise_alarm() { return !std::exchange(alarmed_, true); }
  /// See Transport::regroup.
  void regroup(std::uint32_t generation, std::span<const int> members);

  /// Throws PeerLost if a loss keeps this rank from waiting for a message of `tag`.
  void refuse_lost(int peer, Tag tag) const;
  /// Throws PeerLost if nothing may be sent to the peer.
  void refuse_gone(int peer, Tag tag) const;

 private:
  struct Peer {
    bool gone = false;
    bool left = false;                   // is of the group no more
    std::optional<RankFailure> failure;  // what keeps this rank from exchanging messages with it, whatever the group
  };

  Peer& at(int peer) { return peers_[static_cast<std::size_t>(peer)]; }
  const Peer& at(int peer) const { return peers_[static_cast<std::size_t>(peer)]; }

  int rank_;
  std::vector<Peer> peers_;
  std::uint32_t generation_ = 0;
  std::optional<RankFailure> first_;
  std::optional<FailureNews> early_;  // of a generation that this rank has yet to enter
  bool alarmed_ = false;
  bool outlives_ = false;
};

}  // namespace covey
