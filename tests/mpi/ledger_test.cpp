#include "mpi/ledger.hpp"

#include <filesystem>
#include <fstream>

#include "mpi/self_transport.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

TEST(Ledger, CountsWhatIsSentByPeerAndPhaseWithoutControl) {
  run_ranks(3, [](Transport& t) {
    Ledger ledger(t);
    if (t.rank() != 0) {
      receive_text(ledger, 0, 5, Tag::batch);
      if (t.rank() == 1) receive_text(ledger, 0, 7, Tag::text);
      EXPECT_TRUE(ledger.report().sent.empty());
      return;
    }
    ledger.set_phase(Phase::prefill);
    for (int to : {1, 2}) ledger.send(to, bytes_of("12345"), Tag::batch);
    ledger.set_phase(Phase::decode);
    ledger.send(1, bytes_of("1234567"), Tag::text);
    ledger.send(1, bytes_of("not counted"), Tag::control);
    const auto& sent = ledger.report().sent;
    EXPECT_EQ(sent.at(1)[static_cast<int>(Phase::prefill)], (Traffic{1, 5}));
    EXPECT_EQ(sent.at(1)[static_cast<int>(Phase::decode)], (Traffic{1, 7}));
    EXPECT_EQ(sent.at(2)[static_cast<int>(Phase::prefill)], (Traffic{1, 5}));
    EXPECT_EQ(sent.at(2)[static_cast<int>(Phase::decode)], (Traffic{}));
  });
}

TEST(Ledger, EntersPassesUnderTheirPhase) {
  SelfTransport self;
  Ledger ledger(self);
  ledger.set_phase(Phase::decode);
  ledger.begin_pass();
  ledger.enter_pass(3, 2.0);
  ledger.begin_pass();
  ledger.enter_pass(4, 1.0);
  const PhaseTime& decode = ledger.report().phases[static_cast<int>(Phase::decode)];
  EXPECT_EQ(decode.passes, 2U);
  EXPECT_EQ(decode.tokens, 7U);
  EXPECT_DOUBLE_EQ(decode.compute, 3.0);
  EXPECT_EQ(ledger.report().phases[static_cast<int>(Phase::prefill)].passes, 0U);
}

TEST(Ledger, WaitingWithinAPassIsNotCompute) {
  run_ranks(2, [](Transport& t) {
    Ledger ledger(t);
    ledger.set_phase(Phase::decode);
    if (t.rank() == 1) return ledger.send(0, bytes_of("x"), Tag::text);
    ledger.begin_pass();
    receive_text(ledger, 1, 1);
    const PhaseTime& decode = ledger.report().phases[static_cast<int>(Phase::decode)];
    const double waited = decode.wait;
    ledger.enter_pass(1, waited + 2.0);
    EXPECT_DOUBLE_EQ(decode.compute, 2.0);
    EXPECT_GT(waited, 0.0);
  });
}

TEST(Ledger, WaitingBeforeAPassDoesNotShortenIt) {
  run_ranks(2, [](Transport& t) {
    Ledger ledger(t);
    if (t.rank() == 1) return ledger.send(0, bytes_of("x"), Tag::text);
    receive_text(ledger, 1, 1);
    ledger.set_phase(Phase::prefill);
    ledger.begin_pass();
    ledger.enter_pass(1, 2.0);
    EXPECT_DOUBLE_EQ(ledger.report().phases[static_cast<int>(Phase::prefill)].compute, 2.0);
  });
}

TEST(Ledger, EndOfWorkEntersTheMachine) {
  SelfTransport self;
  Ledger ledger(self);
  ledger.start_work();
  ledger.end_work();
  EXPECT_GT(ledger.report().peak_rss_bytes, 1000000U);
  EXPECT_GE(ledger.report().work_seconds, 0.0);
  EXPECT_FALSE(ledger.report().host.empty());
}

RankReport report_with(const std::string& role, std::vector<double> tokens) {
  RankReport report;
  report.streams.push_back({0.5, tokens.front(), tokens, 10, 4, role});
  return report;
}

TEST(Summary, TimesComeFromTheStreams) {
  RankReport answer = report_with("aggregation", {2.0, 2.1, 2.3, 2.6});
  RankReport proposer = report_with("proposal", {1.0, 1.5});
  answer.work_seconds = 3.0;
  answer.joules = 5;
  proposer.joules = 0;
  answer.model_bytes = 100;
  proposer.model_bytes = 60;
  answer.sent[1] = {Traffic{}, Traffic{2, 200}, Traffic{3, 30}, Traffic{1, 7}};
  const Summary summary = summarize("self-moa", {answer, proposer});
  EXPECT_EQ(summary.ranks, 2);
  EXPECT_DOUBLE_EQ(summary.ttft_seconds, 2.0);
  EXPECT_NEAR(summary.itl_median_seconds, 0.2, 1e-12);  // of 0.1 0.2 0.3 0.5: the second
  EXPECT_NEAR(summary.itl_p95_seconds, 0.5, 1e-12);
  EXPECT_EQ(summary.generated_tokens, 6U);
  EXPECT_DOUBLE_EQ(summary.tokens_per_second, 2.0);
  EXPECT_NEAR(summary.stream_tokens_per_second, 2.0, 1e-12);  // of 2 and 5
  EXPECT_EQ(summary.prompt_tokens, 20U);
  EXPECT_EQ(summary.reused_tokens, 8U);
  EXPECT_EQ(summary.messages, 6U);
  EXPECT_EQ(summary.bytes, 237U);
  EXPECT_EQ(summary.prefill_bytes, 200U);
  EXPECT_EQ(summary.decode_bytes, 30U);
  EXPECT_EQ(summary.model_bytes, 100U);
  EXPECT_EQ(summary.total_model_bytes, 160U);
  EXPECT_DOUBLE_EQ(summary.joules, 5.0);
}

TEST(Summary, EnergyIsUnknownIfOneRankHasNoCounter) {
  RankReport with;
  with.joules = 4;
  EXPECT_EQ(summarize("solo", {with, RankReport{}}).joules, -1);
  EXPECT_EQ(summarize("solo", {}).joules, -1);
}

class EnergyCounters : public ::testing::Test {
 protected:
  EnergyCounters() { std::filesystem::create_directories(folder_); }
  ~EnergyCounters() override { std::filesystem::remove_all(folder_); }

  void counter(const std::string& name, std::uint64_t value, std::uint64_t period) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path);
    std::ofstream(path / "energy_uj") << value << '\n';
    std::ofstream(path / "max_energy_range_uj") << period << '\n';
  }

  std::filesystem::path folder_ = std::filesystem::path(::testing::TempDir()) / "covey_energy_counters";
};

TEST_F(EnergyCounters, PackagesAddUpAndWrap) {
  counter("intel-rapl:0", 1000000, 5000000);
  counter("intel-rapl:1", 4000000, 5000000);
  counter("intel-rapl:0:0", 7000000, 9000000);  // part of a package
  const EnergyMeter meter(folder_.string());
  counter("intel-rapl:0", 3000000, 5000000);
  counter("intel-rapl:1", 500000, 5000000);
  counter("intel-rapl:0:0", 8000000, 9000000);
  EXPECT_DOUBLE_EQ(meter.joules(), 2.0 + 1.5);
}

TEST_F(EnergyCounters, NoneIsNotZero) { EXPECT_EQ(EnergyMeter(folder_.string()).joules(), -1); }

}  // namespace
}  // namespace covey
