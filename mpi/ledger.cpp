#include "mpi/ledger.hpp"

#include <algorithm>

namespace covey {

namespace {

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Adds the time until it goes out of scope to two accounts, also when a peer is lost.
class Stopwatch {
 public:
  Stopwatch(double& account, double& exchanged) : account_(account), exchanged_(exchanged), start_(Clock::now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() {
    const double seconds = seconds_between(start_, Clock::now());
    account_ += seconds;
    exchanged_ += seconds;
  }

 private:
  double& account_;
  double& exchanged_;
  Clock::time_point start_;
};

}  // namespace

Ledger::Ledger(Transport& below) : below_(below), created_(Clock::now()), start_(created_) {
  report_.rank = below.rank();
  report_.host = host_name();
}

void Ledger::send(int to, std::span<const std::byte> bytes, Tag tag) {
  const auto phase = static_cast<std::size_t>(phase_);
  {
    const Stopwatch watch(report_.phases[phase].transfer, exchanged_);
    below_.send(to, bytes, tag);
  }
  if (tag == Tag::control) return;
  Traffic& traffic = report_.sent[to][phase];
  ++traffic.messages;
  traffic.bytes += bytes.size();
}

void Ledger::recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) {
  const Stopwatch watch(report_.phases[static_cast<std::size_t>(phase_)].wait, exchanged_);
  below_.recv(from, bytes, tag, deadline);
}

void Ledger::enter_pass(std::int64_t tokens, double seconds) {
  enter_rest(seconds);
  PhaseTime& time = report_.phases[static_cast<std::size_t>(phase_)];
  ++time.passes;
  time.tokens += static_cast<std::uint64_t>(tokens);
}

void Ledger::enter_rest(double seconds) {
  report_.phases[static_cast<std::size_t>(phase_)].compute += std::max(0.0, seconds - exchanged_);
  exchanged_ = 0;
}

void Ledger::begin_recovery() {
  recovery_ = {phase_, exchanged_, Clock::now()};
  phase_ = Phase::load;
}

void Ledger::end_recovery() {
  phase_ = recovery_.phase;
  exchanged_ = recovery_.exchanged + seconds_between(recovery_.start, Clock::now());
}

void Ledger::start_work() {
  start_ = Clock::now();
  report_.load_seconds = seconds_between(created_, start_);
  phase_ = Phase::other;
  if (host_rank() == 0) energy_.emplace();
  if (take_times_) take_times_();  // what loading took is no part of the work
}

void Ledger::end_work() {
  report_.work_seconds = since_start();
  report_.peak_rss_bytes = peak_rss_bytes();
  if (take_times_) report_.operations = take_times_();
  // The counters are the host's; were each of its ranks to enter them, they would count several times.
  report_.joules = energy_ ? energy_->joules() : 0;
}

double Ledger::since_start() const { return seconds_between(start_, Clock::now()); }

StreamTimes& Ledger::stream(std::size_t index) {
  if (report_.streams.size() <= index) report_.streams.resize(index + 1);
  return report_.streams[index];
}

}  // namespace covey
