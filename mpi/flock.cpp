#include "mpi/flock.hpp"

#include <algorithm>
#include <utility>

#include "mpi/backoff.hpp"
#include "mpi/byte_stream.hpp"
#include "mpi/message.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

namespace {

constexpr std::int32_t kAllSamples = -1;

std::vector<std::byte> cancellation(std::uint64_t job, std::int32_t index) {
  ByteWriter out;
  out.u64(job);
  out.zigzag(index);
  return out.take();
}

}  // namespace

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

Flock::Result Flock::draw(FlockRound round, const TextSink& sink) {
  FlockTask& task = round.task;
  if (task.members.empty()) task.members = members();
  task.job = ++job_;
  task.drafts = static_cast<bool>(round.drafted);
  bench_.ledger().set_phase(Phase::other);
  began_ = Clock::now();
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
  Gathering gathering(round, [this](std::int32_t rank) { return is_lost(rank); });
  Result result;
  try {
    gather(round, own, gathering, sink);
  } catch (const StopAnswer&) {
    result.stopped = true;
  } catch (...) {
    cancel(gathering, task, own);
    throw;
  }
  if (result.stopped || gathering.full()) cancel(gathering, task, own);
  for (TaskRun::Drawn& drawn : own.take_drawn()) {
    gathering.arrive(drawn.question, drawn.index, 0, std::move(drawn.completion));
  }
  result.came = gathering.came();
  result.proposals = gathering.take();
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

void Flock::gather(FlockRound& round, TaskRun& own, Gathering& gathering, const TextSink& sink) {
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
    for (const Gathering::Stop& stop : gathering.take_stops()) cancel(stop.rank, stop.job, stop.index);
    copy_slow_samples(round, gathering);
    text += std::exchange(gathering.text, {});
    if (sink) sink(round.task.streams ? text : std::string());
    if (!stepped && gathering.complete()) return;
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

// Ranks that would draw other tokens than the owner must not: which of them is faster would change the text.
void Flock::copy_slow_samples(const FlockRound& round, Gathering& gathering) {
  const FlockTask& task = round.task;
  if (!task.questions.front().options.backup || task.questions.size() != 1 || !bench_.model().alike) return;
  for (const std::int32_t rank : task.members) {
    if (rank == 0 || peers_[static_cast<std::size_t>(rank)].owed > 0 || !gathering.draws(rank)) continue;
    const std::optional<std::int32_t> index = gathering.worth_copying(rank, elapsed());
    if (!index) continue;
    FlockTask copy;
    copy.job = ++job_;
    copy.members = {rank};
    copy.questions = task.questions;
    copy.questions.front().first_sample += static_cast<std::uint64_t>(*index);
    gathering.copied(copy.job, rank, *index, elapsed());
    command(rank, Command::Kind::work, encode_task(copy), 1);
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
  const Gathering::Copy* const copy = gathering != nullptr ? gathering->copy_of(message.job) : nullptr;
  switch (message.kind) {
    case FlockMessage::Kind::text:
      if (current) gathering->text += message.text;
      return;
    case FlockMessage::Kind::failed:
      peer.owed -= std::min(peer.owed, message.samples);
      if (copy != nullptr) return gathering->drop(message.job);
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
      if (!current && copy == nullptr) return;
      if (peer.owed == 0) gathering->done(rank, elapsed());
      if (!gathering->arrive(message.question, copy != nullptr ? copy->index : message.index, rank,
                             Completion(message.completion))) {
        throw Error("rank " + std::to_string(rank) + " sent a sample that was not asked of it");
      }
      return;
  }
}

void Flock::cancel(std::int32_t rank, std::uint64_t job, std::int32_t index) {
  if (rank == 0 || peers_[static_cast<std::size_t>(rank)].owed == 0) return;
  command(rank, Command::Kind::cancel, cancellation(job, index), 0);
}

void Flock::cancel(const Gathering& gathering, const FlockTask& task, TaskRun& own) {
  own.cancel();
  for (const std::int32_t rank : task.members) cancel(rank, task.job, kAllSamples);
  for (const Gathering::Copy& copy : gathering.copies()) cancel(copy.rank, copy.job, kAllSamples);
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

void Flock::take_cancellation(std::uint64_t job, TaskRun& run) {
  if (!bench_.ledger().ready(0, Tag::text)) return;
  const Command command = recv_command(bench_.ledger(), Tag::text);
  ByteReader in(command.payload, "cancellation");
  if (command.kind != Command::Kind::cancel) throw Error("rank 0 commanded other work before the last was done");
  const std::uint64_t cancelled = in.u64();
  const std::int32_t index = in.int32();
  in.end();
  if (cancelled != job) return;
  if (index == kAllSamples) return run.cancel();
  run.cancel(index);
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
      if (more) take_cancellation(task.job, *run);
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
