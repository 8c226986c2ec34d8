#include "mpi/flock.hpp"

#include <algorithm>
#include <utility>

#include "mpi/backoff.hpp"
#include "mpi/byte_stream.hpp"
#include "mpi/message.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

namespace {

std::vector<std::byte> job_payload(std::uint64_t job) {
  ByteWriter out;
  out.u64(job);
  return out.take();
}

}  // namespace

// What has come of a round.
class Flock::Gathering {
 public:
  explicit Gathering(const Round& round) : round_(round), proposals_(round.task.questions.size()) {
    const FlockTask& task = round.task;
    came_.resize(proposals_.size());
    for (std::size_t question = 0; question < proposals_.size(); ++question) {
      proposals_[question].resize(static_cast<std::size_t>(task.samples));
      for (const std::int32_t rank : task.members) {
        const Range samples = samples_of(task, question, rank);
        for (std::int32_t i = samples.first; i < samples.last; ++i) expect(question, i, rank);
      }
    }
  }

  const std::vector<std::vector<std::int32_t>>& came() const { return came_; }
  std::uint64_t job() const { return round_.task.job; }

  // False if there is no such sample to come of this rank.
  bool arrive(std::int32_t question, std::int32_t index, std::int32_t rank, Completion&& completion) {
    if (question >= static_cast<std::int32_t>(proposals_.size()) || index >= round_.task.samples) return false;
    Proposal& proposal = proposals_[static_cast<std::size_t>(question)][static_cast<std::size_t>(index)];
    if (proposal.rank != rank || proposal.finish != Finish::running) return false;
    static_cast<Completion&>(proposal) = std::move(completion);
    const bool in_time = proposal.finish != Finish::cancelled && !full(static_cast<std::size_t>(question));
    proposal.use = in_time ? Use::used : Use::late;
    if (!in_time) return true;
    came_[static_cast<std::size_t>(question)].push_back(index);
    if (round_.arrived) round_.arrived(static_cast<std::size_t>(question), proposal);
    return true;
  }

  bool full(std::size_t question) const { return round_.quorum > 0 && std::ssize(came_[question]) >= round_.quorum; }
  bool full() const {
    for (std::size_t question = 0; question < came_.size(); ++question) {
      if (!full(question)) return false;
    }
    return true;
  }

  // Whether nothing is to be expected any more.
  bool complete(const Flock& flock) const {
    const auto open = [&](const Proposal& one) {
      return one.finish == Finish::running && !flock.is_lost(one.rank) && !failed(one.rank);
    };
    return std::ranges::none_of(proposals_,
                                [&](const auto& of_question) { return std::ranges::any_of(of_question, open); });
  }

  // Samples that will not come any more are the lost ranks'; those that need not are late.
  std::vector<std::vector<Proposal>> take(const Flock& flock) {
    for (auto& of_question : proposals_) {
      for (Proposal& proposal : of_question) {
        if (proposal.finish != Finish::running) continue;
        proposal.finish = Finish::cancelled;
        proposal.use = flock.is_lost(proposal.rank) || failed(proposal.rank) ? Use::lost : Use::late;
      }
    }
    return std::move(proposals_);
  }

  // False if that rank does not draw it.
  bool draft(std::int32_t index, std::int32_t rank, std::string_view text) const {
    if (!round_.drafted || index >= round_.task.samples) return false;
    const Proposal& proposal = proposals_.front()[static_cast<std::size_t>(index)];
    if (proposal.rank != rank || proposal.finish != Finish::running) return false;
    round_.drafted(index, text);
    return true;
  }

  void fail(std::int32_t rank) { failed_.push_back(rank); }
  bool failed(std::int32_t rank) const { return std::ranges::find(failed_, rank) != failed_.end(); }
  std::string text;  // streamed by another rank, not yet shown

 private:
  void expect(std::size_t question, std::int32_t index, std::int32_t rank) {
    Proposal& proposal = proposals_[question][static_cast<std::size_t>(index)];
    proposal.index = index;
    proposal.layer = round_.layer;
    proposal.rank = rank;
  }

  const Round& round_;
  std::vector<std::vector<Proposal>> proposals_;
  std::vector<std::vector<std::int32_t>> came_;  // (questions)
  std::vector<std::int32_t> failed_;             // ranks that are there but can't do their part
};

Flock::Flock(FlockBench& bench, std::chrono::milliseconds patience)
    : bench_(bench), patience_(patience), peers_(static_cast<std::size_t>(bench.ledger().size())) {
  bench.ledger().outlive_others();
}

std::vector<std::int32_t> Flock::members() const {
  std::vector<std::int32_t> ranks;
  for (int rank = 0; rank < static_cast<int>(peers_.size()); ++rank) {
    if (!is_lost(rank)) ranks.push_back(rank);
  }
  return ranks;
}

void Flock::lose(int rank, const std::string& why) {
  Peer& peer = peers_[static_cast<std::size_t>(rank)];
  if (peer.lost) return;
  peer.lost = true;
  peer.owed = 0;
  miss(rank, why);
}

void Flock::miss(int rank, const std::string& why) {
  losses_.push_back({rank, name_rank(rank, why), bench_.ledger().since_start(), 0});
  bench_.ledger().report().losses.push_back(losses_.back());
}

std::vector<LostRank> Flock::take_losses() { return std::exchange(losses_, {}); }

void Flock::command(int rank, Command::Kind kind, std::span<const std::byte> payload, std::int32_t samples) {
  if (is_lost(rank)) return;
  Peer& peer = peers_[static_cast<std::size_t>(rank)];
  if (peer.owed == 0) peer.heard = Clock::now();
  peer.owed += samples;
  try {
    send_command_to(bench_.ledger(), rank, Tag::text, kind, payload);
  } catch (const PeerLost& loss) {
    lose(rank, loss.what());
  }
}

// -- Rank 0 -----------------------------------------------------------------------------------------------------------

Flock::Result Flock::draw(Round round, const TextSink& sink) {
  FlockTask& task = round.task;
  if (task.members.empty()) task.members = members();
  task.job = ++job_;
  task.drafts = static_cast<bool>(round.drafted);
  bench_.ledger().set_phase(Phase::other);
  TaskRun own(bench_, task);
  const std::vector<std::byte> payload = encode_task(task);
  for (const std::int32_t rank : task.members) {
    if (rank == 0) continue;
    std::int32_t samples = 0;
    for (std::size_t question = 0; question < task.questions.size(); ++question) {
      samples += samples_of(task, question, rank).size();
    }
    command(rank, Command::Kind::work, payload, samples);
  }
  Gathering gathering(round);
  Result result;
  try {
    gather(round, own, gathering, sink);
  } catch (const StopAnswer&) {
    result.stopped = true;
  } catch (...) {
    cancel(task, own);
    throw;
  }
  if (result.stopped || gathering.full()) cancel(task, own);
  for (TaskRun::Drawn& drawn : own.take_drawn()) {
    gathering.arrive(drawn.question, drawn.index, 0, std::move(drawn.completion));
  }
  result.came = gathering.came();
  result.proposals = gathering.take(*this);
  for (const auto& of_question : result.proposals) {
    const bool any = std::ranges::any_of(of_question, [](const Proposal& one) { return one.use == Use::used; });
    if (any || result.stopped) continue;
    const auto cause = std::ranges::find_if(losses_, [&](const LostRank& loss) {
      return std::ranges::find(task.members, loss.rank) != task.members.end();
    });
    if (cause == losses_.end()) throw Error("no rank has drawn anything");
    const LostRank loss = *cause;
    if (is_lost(loss.rank)) throw PeerLost(loss.rank, loss.why);
    losses_.clear();  // of the task: the error tells of it
    throw Error(loss.why);
  }
  return result;
}

void Flock::gather(Round& round, TaskRun& own, Gathering& gathering, const TextSink& sink) {
  Ledger& ledger = bench_.ledger();
  std::optional<Backoff> backoff;
  while (!gathering.full()) {
    const bool stepped = own.step();
    std::string text = own.text();
    ledger.set_phase(Phase::other);
    for (TaskRun::Drawn& drawn : own.take_drawn()) {
      gathering.arrive(drawn.question, drawn.index, 0, std::move(drawn.completion));
    }
    const bool heard = listen(&gathering);
    text += std::exchange(gathering.text, {});
    if (sink) sink(round.task.streams ? text : std::string());
    if (!stepped && gathering.complete(*this)) return;
    if (stepped || heard || gathering.full() || (round.idle && round.idle())) {
      backoff.reset();
      continue;
    }
    if (!backoff) backoff.emplace(std::chrono::microseconds(0));
    const auto start = Clock::now();
    backoff->wait();
    ledger.enter_wait(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

bool Flock::listen(Gathering* gathering) {
  bool heard = false;
  for (int rank = 1; rank < static_cast<int>(peers_.size()); ++rank) {
    while (peers_[static_cast<std::size_t>(rank)].owed > 0 && hear(rank, gathering)) heard = true;
  }
  return heard;
}

bool Flock::hear(int rank, Gathering* gathering) {
  Peer& peer = peers_[static_cast<std::size_t>(rank)];
  try {
    if (!bench_.ledger().ready(rank, Tag::text)) {
      const auto silence = Clock::now() - peer.heard;
      if (silence > patience_) throw silent_peer(rank, Tag::text, silence);
      return false;
    }
    const auto message = recv_message(bench_.ledger(), rank, Tag::text, Clock::now() + patience_);
    peer.heard = Clock::now();
    if (!message.empty()) take(rank, decode_flock_message(message), gathering);
  } catch (const StopAnswer&) {
    throw;
  } catch (const Error& error) {  // gone, silent, or not understood
    lose(rank, error.what());
  }
  return true;
}

// Words about rounds that have ended only clear the account.
void Flock::take(int rank, const FlockMessage& message, Gathering* gathering) {
  Peer& peer = peers_[static_cast<std::size_t>(rank)];
  const bool current = gathering != nullptr && message.job == gathering->job();
  switch (message.kind) {
    case FlockMessage::Kind::text:
      if (current) gathering->text += message.text;
      return;
    case FlockMessage::Kind::failed:
      peer.owed -= std::min(peer.owed, message.samples);
      miss(rank, message.text);
      if (current) gathering->fail(rank);
      return;
    case FlockMessage::Kind::draft:
      if (current && !gathering->draft(message.index, rank, message.text)) {
        throw Error("rank " + std::to_string(rank) + " sent a draft that was not asked of it");
      }
      return;
    case FlockMessage::Kind::proposal:
      --peer.owed;
      if (current && !gathering->arrive(message.question, message.index, rank, Completion(message.completion))) {
        throw Error("rank " + std::to_string(rank) + " sent a sample that was not asked of it");
      }
      return;
  }
}

void Flock::cancel(const FlockTask& task, TaskRun& own) {
  own.cancel();
  const std::vector<std::byte> payload = job_payload(task.job);
  for (const std::int32_t rank : task.members) {
    if (rank != 0 && peers_[static_cast<std::size_t>(rank)].owed > 0) command(rank, Command::Kind::cancel, payload, 0);
  }
}

void Flock::settle() {
  Backoff backoff(std::chrono::microseconds(0));
  while (std::ranges::any_of(peers_, [](const Peer& peer) { return peer.owed > 0; })) {
    if (!listen(nullptr)) backoff.wait();
  }
}

// -- Other ranks ------------------------------------------------------------------------------------------------------

void Flock::send(const FlockMessage& message) {
  bench_.ledger().set_phase(Phase::other);
  send_message(bench_.ledger(), 0, encode_flock_message(message), Tag::text);
}

bool Flock::is_cancelled(std::uint64_t job) {
  if (!bench_.ledger().ready(0, Tag::text)) return false;
  const Command command = recv_command(bench_.ledger(), Tag::text);
  ByteReader in(command.payload, "cancellation");
  if (command.kind != Command::Kind::cancel) throw Error("rank 0 commanded other work before the last was done");
  const std::uint64_t cancelled = in.u64();
  in.end();
  return cancelled == job;
}

void Flock::work(std::span<const std::byte> payload) {
  const FlockTask task = decode_task(payload);
  std::optional<TaskRun> run;
  std::int32_t samples = 0;
  for (std::size_t question = 0; question < task.questions.size(); ++question) {
    samples += samples_of(task, question, bench_.ledger().rank()).size();
  }
  FlockMessage message;
  message.job = task.job;
  auto last_sign = Clock::now();
  try {
    run.emplace(bench_, task);
    for (bool more = true; more;) {
      more = run->step();
      bench_.ledger().set_phase(Phase::other);
      if (more && is_cancelled(task.job)) run->cancel();
      if (task.streams && !run->text().empty()) {
        message.kind = FlockMessage::Kind::text;
        message.text = run->text();
        send(message);
      }
      message.kind = FlockMessage::Kind::proposal;
      for (TaskRun::Drawn& drawn : run->take_drawn()) {
        message.question = drawn.question;
        message.index = drawn.index;
        message.completion = std::move(drawn.completion);
        send(message);
      }
      if (auto draft = task.drafts ? run->take_draft() : std::nullopt) {
        message.kind = FlockMessage::Kind::draft;
        message.index = draft->index;
        message.text = std::move(draft->text);
        send(message);
      }
      if (Clock::now() < last_sign + patience_ / 3) continue;
      send_message(bench_.ledger(), 0, {}, Tag::text);
      last_sign = Clock::now();
    }
  } catch (const PeerLost&) {
    throw;
  } catch (const Error& error) {  // of the task, not of this rank: the next may be another matter
    message.kind = FlockMessage::Kind::failed;
    message.samples = run ? run->left() : samples;
    message.text = error.what();
    if (message.samples > 0) send(message);
  }
}

}  // namespace covey
