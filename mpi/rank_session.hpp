// What the sessions of all modes share: rank 0 commands, the others serve, and in the end rank 0 gathers all accounts.
#pragma once

#include <span>
#include <vector>

#include "mpi/mode.hpp"

namespace covey {

class RankSession : public Session {
 public:
  RankSession(const RankSession&) = delete;
  RankSession& operator=(const RankSession&) = delete;
  /// Tells the others if the work ends without close().
  ~RankSession() override;

  std::vector<RankReport> close() final;
  void serve() final;

 protected:
  /// Commands travel under `tag`. `ledger` must outlive the session.
  RankSession(Ledger& ledger, std::chrono::milliseconds peer_timeout, Tag tag);

  Ledger& ledger() const { return ledger_; }
  std::chrono::milliseconds peer_timeout() const { return peer_timeout_; }
  /// Rank 0: has all others work() on `payload`.
  void command(std::span<const std::byte> payload);
  /// Rank 0: takes what the others still have to say about work that was given up.
  virtual void settle() {}
  /// Rank 0, at the end: whether the session can do without a rank.
  virtual bool is_lost(int) const { return false; }
  /// Whether it can from now on.
  virtual bool outlives(const PeerLost&) { return false; }
  /// Other ranks: does what rank 0 commanded.
  virtual void work(std::span<const std::byte> payload) = 0;
  /// Other ranks, in sessions whose ranks regroup (membership.hpp). Both throw Error in others.
  virtual void answer_roll_call(std::span<const std::byte> payload);
  virtual void enter_group(std::span<const std::byte> payload);

 private:
  RankReport recv_report(int rank);
  template <typename Step>
  void attempt(int rank, const Step& step);

  Ledger& ledger_;
  std::chrono::milliseconds peer_timeout_;
  Tag tag_;
  bool closed_ = false;
};

}  // namespace covey
