#include "mpi/loss_board.hpp"

#include <algorithm>

namespace covey {

void LossBoard::enter(const PeerLost& loss) {
  const RankFailure known{loss.rank(), loss.what(), loss.certain()};
  if (!first_) first_ = known;
  if (!loss.certain() && !outlives_) return;
  at(loss.rank()).gone = true;
  if (!at(loss.rank()).failure) at(loss.rank()).failure = known;
}

void LossBoard::hear(int source, FailureNews news) {
  if (news.failure.rank < 0 || news.failure.rank >= static_cast<int>(peers_.size())) news.failure.rank = source;
  const int culprit = news.failure.rank;
  if (news.kind == FailureNews::Kind::alarm) {
    if (news.generation > generation_) early_ = news;
    if (news.generation != generation_ || at(culprit).left) return;
    alarmed_ = true;
    if (!first_) first_ = news.failure;
    return;
  }
  const bool timely = news.generation == generation_ && !at(source).left;
  if (timely && news.failure.certain && culprit != source && culprit != rank_) at(culprit).gone = true;
  if (!first_ && !at(source).left) first_ = news.failure;
  if (!at(source).failure) at(source).failure = news.failure;
}

void LossBoard::regroup(std::uint32_t generation, std::span<const int> members) {
  generation_ = generation;
  alarmed_ = false;
  first_.reset();
  for (int index = 0; index < static_cast<int>(peers_.size()); ++index) {
    Peer& peer = at(index);
    peer.left = std::ranges::find(members, index) == members.end();
    if (peer.left) peer.gone = true;
    if (peer.left && !peer.failure) peer.failure = RankFailure{index, "rank " + std::to_string(index) + " is lost"};
    if (!peer.left && peer.failure && !first_) first_ = peer.failure;  // it has failed while the others regrouped
  }
  if (early_ && early_->generation == generation_) hear(rank_, *std::exchange(early_, {}));
}

void LossBoard::refuse_lost(int peer, Tag tag) const {
  const auto& known = outlives_ || outlasts_losses(tag) ? at(peer).failure : first_;
  if (known) throw lost(*known);
}

void LossBoard::refuse_gone(int peer, Tag tag) const {
  if (!at(peer).gone) return;
  refuse_lost(peer, tag);
  throw PeerLost(peer, "rank " + std::to_string(peer) + " is lost");
}

}  // namespace covey
