#include "mpi/rank_session.hpp"

#include <exception>

#include "mpi/command.hpp"
#include "mpi/message.hpp"
#include "mpi/report_codec.hpp"

namespace covey {

RankSession::RankSession(Ledger& ledger, std::chrono::milliseconds peer_timeout, Tag tag)
    : ledger_(ledger), peer_timeout_(peer_timeout), tag_(tag) {}

RankSession::~RankSession() {
  // While an exception is on its way, whoever catches it tells the others its message.
  if (!closed_ && std::uncaught_exceptions() == 0) ledger_.fail("the session ended before it was closed");
}

void RankSession::command(std::span<const std::byte> payload) {
  send_command(ledger_, tag_, Command::Kind::work, payload);
}

std::vector<RankReport> RankSession::close() {
  ledger_.set_phase(Phase::other);
  settle();
  send_command(ledger_, tag_, Command::Kind::end, {});
  ledger_.end_work();
  std::vector<RankReport> reports{ledger_.report()};
  for (int rank = 1; rank < ledger_.size(); ++rank) {
    reports.push_back(decode_report(recv_message(ledger_, rank, Tag::control, Clock::now() + peer_timeout_)));
    if (reports.back().rank != rank) throw Error("rank " + std::to_string(rank) + " sent the report of another rank");
  }
  // Ranks leave only now: a connection that closes while a report is under way could lose it.
  for (int rank = 1; rank < ledger_.size(); ++rank) send_message(ledger_, rank, {}, Tag::control);
  closed_ = true;
  return reports;
}

void RankSession::serve() {
  for (Command next = recv_command(ledger_, tag_); next.kind == Command::Kind::work;
       next = recv_command(ledger_, tag_)) {
    work(next.payload);
  }
  ledger_.end_work();
  send_message(ledger_, 0, encode_report(ledger_.report()), Tag::control);
  recv_message(ledger_, 0, Tag::control, Clock::now() + peer_timeout_, 0);
  closed_ = true;
}

}  // namespace covey
