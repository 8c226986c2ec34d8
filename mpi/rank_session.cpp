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

void RankSession::answer_roll_call(std::span<const std::byte>) {
  throw Error("rank 0 calls a roll in a mode without: all ranks must run the same version of the program");
}

void RankSession::enter_group(std::span<const std::byte> payload) { answer_roll_call(payload); }

void RankSession::command(std::span<const std::byte> payload) {
  send_command(ledger_, tag_, Command::Kind::work, payload);
}

// Does without the rank where the session can.
template <typename Step>
void RankSession::attempt(int rank, const Step& step) {
  if (is_lost(rank)) return;
  try {
    step();
  } catch (const PeerLost& loss) {
    if (!outlives(loss)) throw;
  }
}

std::vector<RankReport> RankSession::close() {
  ledger_.set_phase(Phase::other);
  settle();
  for (int rank = 1; rank < ledger_.size(); ++rank) {
    attempt(rank, [&] { send_command_to(ledger_, rank, tag_, Command::Kind::end, {}); });
  }
  ledger_.end_work();
  std::vector<RankReport> reports{ledger_.report()};
  for (int rank = 1; rank < ledger_.size(); ++rank) {
    reports.emplace_back().rank = rank;
    reports.back().host = "lost";
    attempt(rank, [&] { reports.back() = recv_report(rank); });
  }
  // Ranks leave only now: a connection that closes while a report is under way could lose it.
  for (int rank = 1; rank < ledger_.size(); ++rank) {
    attempt(rank, [&] { send_message(ledger_, rank, {}, Tag::control); });
  }
  closed_ = true;
  return reports;
}

RankReport RankSession::recv_report(int rank) {
  RankReport report = decode_report(recv_message(ledger_, rank, Tag::control, Clock::now() + peer_timeout_));
  if (report.rank != rank) throw Error("rank " + std::to_string(rank) + " sent the report of another rank");
  return report;
}

void RankSession::serve() {
  for (Command next = recv_command(ledger_, tag_); next.kind != Command::Kind::end;
       next = recv_command(ledger_, tag_)) {
    if (next.kind == Command::Kind::work) work(next.payload);
    if (next.kind == Command::Kind::roll_call) answer_roll_call(next.payload);
    if (next.kind == Command::Kind::regroup) enter_group(next.payload);
  }
  ledger_.outlive_others();  // there is only rank 0 left to talk to
  ledger_.end_work();
  send_message(ledger_, 0, encode_report(ledger_.report()), Tag::control);
  recv_message(ledger_, 0, Tag::control, Clock::now() + peer_timeout_, 0);
  closed_ = true;
}

}  // namespace covey
