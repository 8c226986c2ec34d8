#include "mpi/ledger.hpp"

#include <algorithm>

namespace covey {

namespace {

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Calls `enter` with the seconds until it goes out of scope, also when a peer is lost.
template <typename Enter>
class Stopwatch {
 public:
  explicit Stopwatch(const Enter& enter) : enter_(enter), start_(Clock::now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { enter_(seconds_between(start_, Clock::now())); }

 private:
  Enter enter_;
  Clock::time_point start_;
};

}  // namespace

Ledger::Ledger(Transport& below) : below_(below), created_(Clock::now()), start_(created_) {
  report_.rank = below.rank();
  report_.host = host_name();
}

void Ledger::record_timeline() {
  records_ = true;
  report_.timeline.reserve(kMostSpans);  // entered where nothing may be thrown
}

void Ledger::note(TimelineSpan::Doing doing, double seconds) {
  if (!records_ || phase_ == Phase::load || report_.timeline.size() >= kMostSpans) return;
  const double now = since_start();
  report_.timeline.push_back({std::max(0.0, now - seconds), now, doing});
}

void Ledger::send(int to, std::span<const std::byte> bytes, Tag tag) {
  const auto phase = static_cast<std::size_t>(phase_);
  {
    const Stopwatch watch([&](double seconds) {
      report_.phases[phase].transfer += seconds;
      exchanged_ += seconds;
      note(TimelineSpan::Doing::send, seconds);
    });
    below_.send(to, bytes, tag);
  }
  if (tag == Tag::control) return;
  Traffic& traffic = report_.sent[to][phase];
  ++traffic.messages;
  traffic.bytes += bytes.size();
}

void Ledger::recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) {
  const Stopwatch watch([&](double seconds) {
    enter_wait(seconds);
    exchanged_ += seconds;
  });
  below_.recv(from, bytes, tag, deadline);
}

void Ledger::sum(std::span<float> values, Deadline deadline) {
  {
    const Stopwatch watch([&](double seconds) {
      enter_wait(seconds);
      exchanged_ += seconds;
    });
    below_.sum(values, deadline);
  }
  const auto others = static_cast<std::uint64_t>(size() - 1);
  Traffic& traffic = report_.sent[(rank() + 1) % size()][static_cast<std::size_t>(phase_)];
  traffic.messages += 2 * others;
  traffic.bytes += 2 * others * values.size_bytes() / static_cast<std::uint64_t>(size());
}

void Ledger::enter_wait(double seconds) {
  report_.phases[static_cast<std::size_t>(phase_)].wait += seconds;
  note(TimelineSpan::Doing::wait, seconds);
}

void Ledger::enter_pass(std::int64_t tokens, double seconds) {
  enter_rest(seconds);
  PhaseTime& time = report_.phases[static_cast<std::size_t>(phase_)];
  ++time.passes;
  time.tokens += static_cast<std::uint64_t>(tokens);
}

void Ledger::enter_rest(double seconds) {
  report_.phases[static_cast<std::size_t>(phase_)].compute += std::max(0.0, seconds - exchanged_);
  note(TimelineSpan::Doing::compute, seconds);
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
