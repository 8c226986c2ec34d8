// The modes over real ranks.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/program.hpp"

#ifdef COVEY_WITH_MPI

namespace covey {
namespace {

const std::vector<std::string> kGreedy = {"-p", "once upon a time", "-n", "16", "--greedy", "--ignore-eos"};

std::vector<std::string> with(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::vector<std::string> all = before;
  all.insert(all.end(), after.begin(), after.end());
  return all;
}

std::vector<std::string> run_on(const std::string& model, const std::vector<std::string>& more) {
  return with({"run", "-m", model}, with(kGreedy, more));
}

// Five layers, so that five stages have one each; three KV heads, so that four parts share them.
std::string five_layers() {
  const std::string path = scratch("five.gguf");
  const Finished written = covey_run(
      {"synth", path, "--n-embd", "192", "--n-layer", "5", "--n-ff", "320", "--n-head", "6", "--n-kv", "3", "-q"});
  EXPECT_EQ(written.code, 0) << written.err;
  return path;
}

struct Split {
  std::string mode;
  int ranks;
  std::string shares;
};

// For the names of tests.
void PrintTo(const Split& split, std::ostream* out) {
  *out << split.mode << " on " << split.ranks << " " << split.shares;
}

class MpiModes : public testing::TestWithParam<Split> {};

TEST_P(MpiModes, GiveTheTextOfOneRank) {
  const auto& [mode, ranks, shares] = GetParam();
  const std::string model = five_layers();
  const Finished alone = covey_run(run_on(model, {}));
  ASSERT_EQ(alone.code, 0) << alone.err;
  std::vector<std::string> flags = {"--mode", mode};
  if (!shares.empty()) flags.insert(flags.end(), {"--shares", shares});
  const Finished together = mpirun(ranks, run_on(model, flags));
  EXPECT_EQ(together.code, 0) << together.err;
  EXPECT_EQ(together.out, alone.out) << "printed once, by rank 0";
}

TEST(Ranks, AreStartedByTheProgramItself) {
  const std::string model = five_layers();
  const Finished alone = covey_run(run_on(model, {}));
  const Finished together = covey_run(run_on(model, {"--mode", "tensor", "--ranks", "3", "--shares=2,1,1"}));
  EXPECT_EQ(together.code, 0) << together.err;
  EXPECT_EQ(together.out, alone.out);
}

TEST(Ranks, AreNotStartedTwice) {
  const Finished ended = mpirun(2, run_on(test_data("llama.gguf"), {"--ranks=2"}));
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(ended.err.find("--ranks"), std::string::npos) << ended.err;
}

TEST_P(MpiModes, AccountForEveryRank) {
  const auto& [mode, ranks, shares] = GetParam();
  std::vector<std::string> flags = {"--mode", mode, "--json", "--stats"};
  if (!shares.empty()) flags.insert(flags.end(), {"--shares", shares});
  const Finished ended = mpirun(ranks, run_on(five_layers(), flags));
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.out << ended.err;
  EXPECT_EQ(json["summary"]["ranks"], ranks);
  ASSERT_EQ(json["ranks"].size(), static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(json["ranks"][static_cast<std::size_t>(rank)]["rank"], rank);
  EXPECT_GT(json["summary"]["decode_bytes"], 0);
  EXPECT_GT(json["summary"]["prefill_bytes"], 0);
  EXPECT_NE(ended.err.find("TTFT"), std::string::npos) << ended.err;
}

INSTANTIATE_TEST_SUITE_P(, MpiModes,
                         testing::Values(Split{"pipeline", 2, ""}, Split{"pipeline", 3, ""}, Split{"pipeline", 5, ""},
                                         Split{"pipeline", 3, "3,1,1"}, Split{"tensor", 2, ""}, Split{"tensor", 3, ""},
                                         Split{"tensor", 4, ""}, Split{"tensor", 3, "2,1,1"}),
                         [](const auto& split) {
                           std::string name = split.param.mode + std::to_string(split.param.ranks);
                           return split.param.shares.empty() ? name : name + "unequal";
                         });

TEST(MpiExchange, MeshesWiresSumsAndSchedulesGiveTheTextOfOneRank) {
  const std::string model = five_layers();
  const Finished alone = covey_run(run_on(model, {"--sequences", "3"}));
  ASSERT_EQ(alone.code, 0) << alone.err;
  const std::vector<std::pair<int, std::vector<std::string>>> ways = {
      {4, {"--mode", "hybrid", "--mesh", "2x2"}},
      {3, {"--mode", "tensor", "--allreduce", "ring,doubling", "--wire", "f16"}},
      {3, {"--mode", "tensor", "--allreduce", "mpi,direct"}},
      {3, {"--mode", "pipeline", "--sequences", "3", "--micro-batch", "4"}},
      {3, {"--mode", "pipeline", "--sequences", "3", "--schedule", "plain"}}};
  for (const auto& [ranks, flags] : ways) {
    const Finished together = mpirun(ranks, run_on(model, flags));
    EXPECT_EQ(together.code, 0) << together.err;
    EXPECT_EQ(together.out, alone.out) << flags[1] << " on " << ranks;
  }
}

TEST(MpiLayers, KeptByOtherRanksGiveTheTextOfOneRank) {
  const std::string model = five_layers();
  const Finished alone = covey_run(run_on(model, {}));
  const Finished refused = covey_run(run_on(model, {"--memory-limit", "1"}));
  const std::string least = refused.err.substr(refused.err.find("give it ") + 8);
  const auto limit = std::to_string(std::stoull(least) * 3 / 2);
  const Finished kept =
      mpirun(3, run_on(model, {"--memory-limit", limit, "--layers-from", "ranks", "--link", "10gbe", "--json"}));
  EXPECT_EQ(kept.code, 0) << kept.err;
  const auto json = parsed(kept.out);
  ASSERT_TRUE(json.is_object()) << kept.out;
  EXPECT_EQ(json["text"].get<std::string>() + "\n", alone.out);
  for (const auto& rank : json["ranks"]) {
    EXPECT_GT(rank["model_bytes"], 0);
    EXPECT_LE(rank["model_bytes"], std::stoull(limit));
  }
}

TEST(MpiLogits, OfAPipelineAreSoloBitForBit) {
  for (const std::string type : {"F32", "Q8_0"}) {
    const std::string model = scratch(type + ".gguf");
    ASSERT_EQ(
        covey_run({"synth", model, "--n-embd", "128", "--n-layer", "3", "--n-ff", "256", "--type", type, "-q"}).code,
        0);
    const std::vector<std::string> command = {"logits", "-m", model, "--tokens", "1,290,291,292,19,293", "--json"};
    const Finished alone = covey_run(command);
    ASSERT_EQ(alone.code, 0) << alone.err;
    for (const int ranks : {2, 3}) {
      EXPECT_EQ(mpirun(ranks, with(command, {"--mode", "pipeline"})).out, alone.out)
          << type << " on " << ranks << " ranks";
    }
  }
}

TEST(MpiPerplexity, IsTheSameInPieces) {
  const std::vector<std::string> command = {
      "perplexity", "-m", test_data("llama.gguf"), "-f", test_data("story.txt"), "-c", "64", "--json"};
  const double alone = parsed(covey_run(command).out)["perplexity"];
  for (const std::string mode : {"pipeline", "tensor"}) {
    const Finished together = mpirun(2, with(command, {"--mode", mode}));
    const auto json = parsed(together.out);
    ASSERT_TRUE(json.is_object()) << together.err;
    EXPECT_NEAR(json["perplexity"].get<double>(), alone, 1e-4 * alone) << mode;
  }
}

class MpiSelfMoa : public testing::Test {
 protected:
  void SetUp() override {
    // Room for all proposals in one prompt, most of whose letters are tokens of their own.
    ASSERT_EQ(covey_run({"synth", model_, "--n-embd", "64", "--n-ff", "96", "--n-head", "4", "--n-kv", "2", "--n-ctx",
                         "4096", "-q"})
                  .code,
              0);
  }

  std::vector<std::string> command() const {
    return {"run",    "-m",       model_,        "-p", "once upon a time",  "-n", "16",     "--ignore-eos",
            "--mode", "self-moa", "--proposals", "6",  "--proposal-tokens", "8",  "--temp", "1.5",
            "--seed", "7",        "--json"};
  }

  std::string model_ = scratch("roomy.gguf");
};

TEST_F(MpiSelfMoa, IsReproducibleOnAnyNumberOfRanks) {
  const Finished alone = covey_run(command());
  const auto one = parsed(alone.out);
  ASSERT_TRUE(one.is_object()) << alone.err;
  ASSERT_EQ(one["proposals"].size(), 6U);
  EXPECT_NE(one["proposals"][0]["tokens"], one["proposals"][1]["tokens"]);
  for (const int ranks : {2, 3}) {
    const Finished ended = mpirun(ranks, command());
    const auto many = parsed(ended.out);
    ASSERT_TRUE(many.is_object()) << ended.err;
    EXPECT_EQ(many["tokens"], one["tokens"]) << ranks << " ranks";
    EXPECT_EQ(many["text"], one["text"]) << ranks << " ranks";
    EXPECT_EQ(many["proposals"], one["proposals"]) << ranks << " ranks";
  }
}

TEST_F(MpiSelfMoa, SendsNothingLargerThanText) {
  const Finished ended = mpirun(3, command());
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.err;
  const auto& summary = json["summary"];
  EXPECT_GT(summary["messages"], 0);
  EXPECT_LT(summary["messages"], 40) << "a prompt to each rank, proposals back";
  EXPECT_LT(summary["bytes"].get<double>() / summary["messages"].get<double>(), 1024);
}

TEST_F(MpiSelfMoa, OtherWaysOfCollaborationAreReproducibleToo) {
  for (const std::string mode : {"vote", "self-moa-seq", "moa"}) {
    std::vector<std::string> flags = command();
    flags.insert(flags.end(), {"--extract", "text", "--window", "3"});
    *(std::find(flags.begin(), flags.end(), "--mode") + 1) = mode;
    const auto one = parsed(covey_run(flags).out);
    const Finished ended = mpirun(3, flags);
    const auto many = parsed(ended.out);
    ASSERT_TRUE(one.is_object() && many.is_object()) << ended.err;
    EXPECT_EQ(many["tokens"], one["tokens"]) << mode;
    EXPECT_EQ(many["proposals"], one["proposals"]) << mode;
  }
}

TEST_F(MpiSelfMoa, AProposerThatFallsSilentIsMissedAndNamed) {
  std::vector<std::string> flags = command();
  flags.insert(flags.end(), {"--link", "wifi5,lose=2@0.001s", "--timeout", "1"});
  const Finished ended = mpirun(3, flags);
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.out << ended.err;
  EXPECT_NE(json["text"], "");
  ASSERT_EQ(json["lost"].size(), 1U) << ended.err;
  EXPECT_EQ(json["lost"][0]["rank"], 2);
  EXPECT_EQ(json["proposals"][3]["use"], "used");
  EXPECT_EQ(json["proposals"][4]["use"], "lost");
}

TEST(MpiSolo, WorksOnOneRankWhileTheOthersIdle) {
  const Finished alone = covey_run(run_on(test_data("llama.gguf"), {}));
  const Finished two = mpirun(2, run_on(test_data("llama.gguf"), {}));
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(two.out, alone.out);
}

TEST(MpiLink, AnEmulatedNetworkChangesTheTimesOnly) {
  const auto plain = parsed(mpirun(2, run_on(test_data("llama.gguf"), {"--mode", "pipeline", "--json"})).out);
  const auto slow =
      parsed(mpirun(2, run_on(test_data("llama.gguf"), {"--mode", "pipeline", "--json", "--link", "lte"})).out);
  ASSERT_TRUE(plain.is_object());
  ASSERT_TRUE(slow.is_object());
  EXPECT_EQ(slow["tokens"], plain["tokens"]);
  EXPECT_EQ(slow["summary"]["bytes"], plain["summary"]["bytes"]);
  EXPECT_GT(slow["summary"]["work_seconds"], plain["summary"]["work_seconds"]);
}

TEST(MpiPrompt, ComesFromStandardInputOnRankZero) {
  const std::vector<std::string> command = {"run",    "-m",      test_data("llama.gguf"), "-n", "8", "--greedy",
                                            "--mode", "pipeline"};
  const Finished input = mpirun(2, command, {.input = "once upon", .out_path = "", .environment = {}});
  ASSERT_EQ(input.code, 0) << input.err;
  EXPECT_EQ(input.out, mpirun(2, with(command, {"-p", "once upon"})).out);
}

}  // namespace
}  // namespace covey

#endif
