#include "mpi/startup.hpp"

#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

constexpr std::chrono::seconds kStartTimeout{20};

RankStart ready() {
  return {"1.2", "tensor", "--wire f32", "", true, 42, {300, 128, 64, 32, 8}, 7, "cpu neon, 4 threads"};
}

// What each of three ranks is told when rank 2 starts with `odd`.
std::vector<std::string> told(const RankStart& odd, int odd_rank = 2) {
  std::vector<std::string> messages(3);
  run_ranks(3, [&](Transport& t) {
    try {
      start_together(t, t.rank() == odd_rank ? odd : ready(), kStartTimeout);
    } catch (const Error& error) {
      messages[static_cast<std::size_t>(t.rank())] = error.what();
    }
  });
  EXPECT_EQ(messages[0], messages[1]);
  EXPECT_EQ(messages[0], messages[2]);
  return messages;
}

TEST(StartTogether, EqualRanksStart) { EXPECT_EQ(told(ready())[0], ""); }

TEST(StartTogether, RankZeroLearnsWhetherAllComputeAlike) {
  for (const int odd_rank : {-1, 1, 2}) {
    RankStart odd = ready();
    odd.device = "cpu avx2, 4 threads";
    run_ranks(3, [&](Transport& t) {
      const bool alike = start_together(t, t.rank() == odd_rank ? odd : ready(), kStartTimeout);
      EXPECT_EQ(alike, t.rank() == 0 && odd_rank < 0);
    });
  }
}

TEST(StartTogether, OneRanksErrorIsEverybodys) {
  RankStart odd = ready();
  odd.error = "model.gguf: cut short";
  EXPECT_EQ(told(odd)[0], "rank 2: model.gguf: cut short");
  EXPECT_EQ(told(odd, 0)[0], "rank 0: model.gguf: cut short");
}

TEST(StartTogether, AnotherModelIsNamed) {
  RankStart odd = ready();
  odd.fingerprint = 43;
  EXPECT_TRUE(contains(told(odd)[0], "rank 2 holds another model"));
}

TEST(StartTogether, OtherAdaptersAreNamed) {
  RankStart odd = ready();
  odd.adapters = 0;
  EXPECT_TRUE(contains(told(odd)[0], "rank 2 merges other adapters"));
}

TEST(StartTogether, OtherFlagsAreNamed) {
  RankStart odd = ready();
  odd.limits.n_ctx = 64;
  EXPECT_TRUE(contains(told(odd)[0], "rank 2 has other limits"));
  odd = ready();
  odd.settings = "--wire int8";
  EXPECT_TRUE(contains(told(odd)[0], "rank 2 was started with --wire int8, rank 0 with --wire f32"));
  odd = ready();
  odd.version = "1.3";
  EXPECT_TRUE(contains(told(odd)[0], "rank 2 runs version 1.3, rank 0 version 1.2"));
  odd = ready();
  odd.mode = "pipeline";
  EXPECT_TRUE(contains(told(odd)[0], "rank 2 was started with --mode pipeline, rank 0 with --mode tensor"));
}

TEST(StartTogether, RanksWithoutAModelHaveNothingToCompare) {
  RankStart idle;
  idle.version = ready().version;
  idle.mode = ready().mode;
  idle.settings = ready().settings;
  EXPECT_EQ(told(idle)[0], "");
}

TEST(StartTogether, ARankThatSaysNothingIsNamed) {
  const std::string message = error_of([] {
    run_ranks(3, [](Transport& t) {
      if (t.rank() == 1) return;
      start_together(t, ready(), std::chrono::milliseconds(50));
    });
  });
  EXPECT_TRUE(contains(message, "rank 1 has not answered"));
}

TEST(StartTogether, AloneTheErrorNamesNoRank) {
  RankStart start = ready();
  start.error = "no such file";
  const std::string message =
      error_of([&] { run_ranks(1, [&](Transport& t) { start_together(t, start, kStartTimeout); }); });
  EXPECT_EQ(message, "no such file");
}

}  // namespace
}  // namespace covey
