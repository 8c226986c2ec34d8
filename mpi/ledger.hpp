// One account for all modes: where time went, what was sent, what the user saw. Reports are made from it and from
// nothing else.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernels/device.hpp"
#include "mpi/machine_usage.hpp"
#include "mpi/transport.hpp"

namespace covey {

enum class Phase : std::uint8_t { load, prefill, decode, other };
inline constexpr int kPhaseCount = 4;

/// Messages to one peer in one phase (sender's view; Tag::control is not counted).
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Traffic&) const = default;
};

/// Seconds of one rank in one phase.
struct PhaseTime {
  double compute = 0;   ///< in forward passes, less what follows
  double transfer = 0;  ///< handing messages over
  double wait = 0;      ///< for messages of others
  std::uint64_t passes = 0;
  std::uint64_t tokens = 0;  ///< evaluated
};

/// One generated text as its user saw it; times in seconds from the start of the work.
struct StreamTimes {
  double start = 0;
  double first_token = 0;
  std::vector<double> tokens;  ///< when each token came, the first included
  std::int32_t prompt_tokens = 0;
  std::int32_t reused_tokens = 0;
  std::string role;  ///< "answer", "proposal", "aggregation"
};

/// What a rank did from one moment to another, in seconds from the start of the work. What was sent and waited for
/// during a forward pass lies within its compute.
struct TimelineSpan {
  enum class Doing : std::uint8_t { compute, send, wait };
  double start = 0, end = 0;
  Doing doing = Doing::compute;
  bool operator==(const TimelineSpan&) const = default;
};

/// A rank that others went on without.
struct LostRank {
  std::int32_t rank = 0;
  std::string why;
  double at = 0;       ///< when that was noticed, in seconds from the start of the work
  double seconds = 0;  ///< until what it held was there again and the work went on; 0: nothing had to be made again
  bool operator==(const LostRank&) const = default;
};

/// One rank's account.
struct RankReport {
  std::int32_t rank = 0;
  std::string host;
  std::string device;
  std::array<PhaseTime, kPhaseCount> phases{};
  std::vector<OperationTime> operations;  ///< by the device's own clock, where it has one and was asked to use it
  std::map<std::int32_t, std::array<Traffic, kPhaseCount>> sent;  ///< by peer
  std::vector<StreamTimes> streams;
  std::vector<TimelineSpan> timeline;  ///< if it was asked for, in order of their ends
  std::uint64_t model_bytes = 0;       ///< weights, activations, KV cache
  std::uint64_t peak_rss_bytes = 0;
  /// Of the whole host, entered by its first rank (the others: 0); -1: no counter that can be read.
  double joules = -1;
  double load_seconds = 0;
  double work_seconds = 0;
  std::vector<LostRank> losses;  ///< that this rank knows of: rank 0 of all
};

/// Median and 95th percentile (nearest rank) of the times between tokens, over all streams.
struct Summary {
  std::string mode;
  std::int32_t ranks = 0;
  double work_seconds = 0;
  double ttft_seconds = 0;  ///< start of the work to the first token of the answer
  double itl_median_seconds = 0;
  double itl_p95_seconds = 0;
  double tokens_per_second = 0;         ///< all generated tokens over the work's time
  double stream_tokens_per_second = 0;  ///< median over streams, first token excluded
  std::uint64_t generated_tokens = 0, prompt_tokens = 0, reused_tokens = 0;
  std::uint64_t messages = 0, bytes = 0;
  std::uint64_t prefill_bytes = 0, decode_bytes = 0;
  std::uint64_t peak_rss_bytes = 0;     ///< largest rank
  std::uint64_t model_bytes = 0;        ///< largest rank
  std::uint64_t total_model_bytes = 0;  ///< all ranks
  double joules = -1;                   ///< all ranks; -1 if any has no counter
  std::vector<LostRank> losses;
};
Summary summarize(const std::string& mode, const std::vector<RankReport>& ranks);

/// Decorates a transport; everything this rank does is entered here. Also filled by MeteredRunner and by the modes.
class Ledger final : public Transport {
 public:
  /// `below` must outlive the ledger.
  explicit Ledger(Transport& below);

  int rank() const override { return below_.rank(); }
  int size() const override { return below_.size(); }
  int host_size() const override { return below_.host_size(); }
  int host_rank() const override { return below_.host_rank(); }
  bool is_network() const override { return below_.is_network(); }
  void send(int to, std::span<const std::byte> bytes, Tag tag) override;
  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override;
  bool ready(int from, Tag tag) override { return below_.ready(from, tag); }
  bool arrived(int from, std::size_t bytes, Tag tag) override { return below_.arrived(from, bytes, tag); }
  bool can_sum() const override { return below_.can_sum(); }
  /// What was sent is not known. Entered, to the next rank, is the least that any way takes: 2 (n - 1) / n of the
  /// values, in as many messages.
  void sum(std::span<float> values, Deadline deadline) override;
  void outlive_others() override { below_.outlive_others(); }
  void alarm(const PeerLost& loss) noexcept override { below_.alarm(loss); }
  void regroup(std::uint32_t generation, std::span<const int> members) override { below_.regroup(generation, members); }
  int known_as(int rank) const override { return below_.known_as(rank); }
  void fail(const std::string& why) noexcept override { below_.fail(why); }

  /// What is decorated: nothing that goes through it is entered.
  Transport& below() { return below_; }

  /// The phase that what follows is entered under.
  void set_phase(Phase phase) { phase_ = phase; }
  Phase phase() const { return phase_; }
  /// A forward pass begins: send and recv from here on are part of it.
  void begin_pass() { exchanged_ = 0; }
  /// Enters a forward pass of `tokens` tokens that took `seconds` in all, of which what send and recv took since
  /// begin_pass() is not compute.
  void enter_pass(std::int64_t tokens, double seconds);
  /// Enters time spent asking ready() in vain.
  void enter_wait(double seconds);
  /// The same of the later part of a pass that has been entered.
  void enter_rest(double seconds);

  /// The first kMostSpans of what this rank does from now on go to the report's timeline.
  void record_timeline();
  static constexpr std::size_t kMostSpans = 4000;

  /// What follows is no part of the pass under way, but making lost ranks' work up. Entered as loading.
  void begin_recovery();
  void end_recovery();

  /// What tells of operations by the device's own clock (Device::take_operation_times): asked at the start and at the
  /// end of the work.
  void watch_device(std::function<std::vector<OperationTime>()> take_times) { take_times_ = std::move(take_times); }

  /// Marks the start of the work (end of loading); times of streams count from here.
  void start_work();
  /// Enters what is known at the end: the work's time, peak memory, energy.
  void end_work();
  double since_start() const;
  /// The account of a text, made when it is first asked for. The reference lasts until another is made.
  StreamTimes& stream(std::size_t index);

  RankReport& report() { return report_; }

 private:
  void note(TimelineSpan::Doing doing, double seconds);

  Transport& below_;
  bool records_ = false;
  Phase phase_ = Phase::load;
  RankReport report_;
  Clock::time_point created_;
  Clock::time_point start_;
  std::optional<EnergyMeter> energy_;
  std::function<std::vector<OperationTime>()> take_times_;
  double exchanged_ = 0;  // seconds in send and recv since begin_pass()
  struct Recovery {
    Phase phase = Phase::load;  // before it
    double exchanged = 0;
    Clock::time_point start;
  };
  Recovery recovery_;
};

}  // namespace covey
