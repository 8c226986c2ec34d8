#include "mpi/checkup.hpp"

#include "mpi/emulated_link.hpp"
#include "mpi/link_probe.hpp"
#include "mpi/program_version.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

constexpr std::chrono::seconds kPatience{20};

Checkup of_two() {
  RankHealth health;
  health.host = "pi";
  health.version = "1.0";
  health.isa = "neon";
  health.fingerprint = 7;
  Checkup checkup;
  checkup.ranks = {health, health};
  checkup.clock_offset = {0, 0.5};
  checkup.clock_error = {0, 0.001};
  checkup.links.assign(2, std::vector<LinkHealth>(2));
  return checkup;
}

TEST(Checkup, RankZeroLearnsOfAllRanksAndLinks) {
  for (const int ranks : {1, 2, 4}) {
    run_ranks(ranks, [&](Transport& t) {
      RankHealth own = own_health();
      own.fingerprint = static_cast<std::uint64_t>(t.rank()) + 1;
      const Checkup checkup = check_up(t, own, kPatience);
      if (t.rank() != 0) return;
      ASSERT_EQ(checkup.ranks.size(), static_cast<std::size_t>(ranks));
      for (std::size_t rank = 0; rank < checkup.ranks.size(); ++rank) {
        EXPECT_EQ(checkup.ranks[rank].fingerprint, rank + 1);
        EXPECT_EQ(checkup.ranks[rank].version, program_version());
        EXPECT_GT(checkup.ranks[rank].cores, 0);
        EXPECT_GT(checkup.ranks[rank].memory_bytes, checkup.ranks[rank].available_bytes);
        EXPECT_FALSE(checkup.ranks[rank].isa.empty());
        // One clock: the offset is no larger than what it is known to.
        EXPECT_LE(std::abs(checkup.clock_offset[rank]), checkup.clock_error[rank]);
        for (std::size_t to = 0; to < checkup.ranks.size(); ++to) {
          EXPECT_EQ(checkup.links[rank][to].latency > 0, rank != to);
          EXPECT_EQ(checkup.links[rank][to].bytes_per_second > 0, rank != to);
        }
      }
    });
  }
}

TEST(Checkup, AnEmulatedLinkIsSeen) {
  run_ranks(2, [](Transport& t) {
    EmulatedLink link(t, find_link_profile("latency=4ms,bandwidth=100mbit"));
    const Checkup checkup = check_up(link, own_health(), kPatience);
    if (t.rank() != 0) return;
    // Never faster than the network can be.
    EXPECT_GE(checkup.links[0][1].latency, 4e-3);
    EXPECT_GE(checkup.links[1][0].latency, 4e-3);
    EXPECT_GT(checkup.links[0][1].bytes_per_second, 0);
  });
}

TEST(Checkup, AMissingRankIsNamed) {
  const std::string message = error_of([] {
    run_ranks(3, [](Transport& t) {
      if (t.rank() == 2) return;
      check_up(t, own_health(), std::chrono::milliseconds(100));
    });
  });
  EXPECT_TRUE(contains(message, "rank 2 has not answered"));
}

TEST(Checkup, EqualRanksCanWorkTogether) {
  const Findings findings = judge_checkup(of_two());
  EXPECT_TRUE(findings.problems.empty());
  EXPECT_TRUE(findings.remarks.empty());
}

TEST(Checkup, WhatDiffersIsNamed) {
  const auto finding = [](const std::function<void(RankHealth&)>& change) {
    Checkup checkup = of_two();
    change(checkup.ranks[1]);
    const Findings findings = judge_checkup(checkup);
    EXPECT_EQ(findings.problems.size() + findings.remarks.size(), 1U);
    return findings.problems.empty() ? findings.remarks.at(0) : "problem: " + findings.problems.at(0);
  };
  EXPECT_TRUE(contains(finding([](RankHealth& h) { h.version = "1.1"; }), "problem: rank 1 on pi runs version 1.1"));
  EXPECT_TRUE(contains(finding([](RankHealth& h) { h.fingerprint = 8; }), "problem: rank 1 on pi holds another model"));
  EXPECT_TRUE(
      contains(finding([](RankHealth& h) { h.model_error = "no such file"; }), "problem: rank 1 on pi: no such file"));
  EXPECT_TRUE(contains(finding([](RankHealth& h) { h.isa = "scalar"; }), "rank 1 on pi computes with scalar"));
  Checkup late = of_two();
  late.clock_offset[1] = -75;
  EXPECT_TRUE(contains(judge_checkup(late).remarks.at(0), "-75 s off"));
}

TEST(CheckupCodec, RoundTripAndNothingElse) {
  RankHealth health = of_two().ranks[0];
  health.model_error = "x";
  health.cores = 4;
  health.memory_bytes = 1ULL << 40;
  const auto bytes = encode_health(health);
  EXPECT_EQ(encode_health(decode_health(bytes)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode_health(std::span(bytes).first(size)), Error) << size;
  }
  EXPECT_THROW(decode_pair(encode_pair({{-1, 1}, {1, 1}})), Error);
}

}  // namespace
}  // namespace covey
