#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Synth, WritesAModelThatRuns) {
  const std::string path = scratch("random.gguf");
  const Finished written = covey_run({"synth", path, "--n-layer", "2", "--type", "Q8_0"});
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_NE(written.err.find(path), std::string::npos);
  const Finished ran = covey_run({"run", "-m", path, "-p", "hello", "-n", "4", "--ignore-eos"});
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST(Synth, TheSameSeedGivesTheSameFile) {
  for (const std::string seed : {"1", "2"}) {
    ASSERT_EQ(covey_run({"synth", scratch("a" + seed), "--n-embd", "64", "--n-ff", "96", "--n-head", "4", "--n-kv", "2",
                         "--seed", seed, "--quiet"})
                  .code,
              0);
  }
  ASSERT_EQ(
      covey_run({"synth", scratch("again"), "--n-embd", "64", "--n-ff", "96", "--n-head", "4", "--n-kv", "2", "-q"})
          .code,
      0);
  EXPECT_EQ(bytes_of(scratch("a1")), bytes_of(scratch("again")));
  EXPECT_NE(bytes_of(scratch("a1")), bytes_of(scratch("a2")));
}

TEST(Synth, WritesTheModelsThatTheTestsWereGiven) {
  ASSERT_EQ(covey_run({"synth", scratch("tied.gguf"), "--n-embd", "256", "--quiet"}).code, 0);
  const auto info = parsed(covey_run({"info", scratch("tied.gguf"), "--json"}).out);
  EXPECT_EQ(info["n_embd"], 256);
  EXPECT_EQ(info["architecture"], "llama");
}

TEST(Synth, LeavesNothingBehindWhereItCannotWrite) {
  const Finished nowhere = covey_run({"synth", scratch("no/such/folder.gguf")});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_NE(nowhere.err.find("folder.gguf"), std::string::npos) << nowhere.err;
  const Finished odd = covey_run({"synth", scratch("odd.gguf"), "--n-embd", "100", "--type", "Q4_0"});
  EXPECT_EQ(odd.code, 1) << "rows that are not whole blocks";
  EXPECT_FALSE(std::filesystem::exists(scratch("odd.gguf")));
}

}  // namespace
}  // namespace covey
