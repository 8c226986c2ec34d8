// What goes wrong among real ranks: each time a clear error that names it, an exit code that is not 0, and no hang.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/program.hpp"

#ifdef COVEY_WITH_MPI

namespace covey {
namespace {

using namespace std::chrono_literals;

// From the failure on, a job has this long to end.
constexpr auto kTimeToEnd = 5s;

TEST(MpiFailure, AKilledRankEndsTheJobAndIsNamed) {
  const std::string model = scratch("long.gguf");
  ASSERT_EQ(covey_run({"synth", model, "--n-embd", "64", "--n-ff", "96", "--n-head", "4", "--n-kv", "2", "--n-ctx",
                       "100000", "-q"})
                .code,
            0);
  for (const std::string mode : {"pipeline", "tensor"}) {
    Subprocess job(mpirun_command(3, {"run", "-m", model, "-p", "once", "-n", "-1", "--ctx", "100000", "--ignore-eos",
                                      "--temp", "5", "--mode", mode, "--timeout", "600"}),
                   {.input = "", .out_path = "", .environment = mpi_environment()});
    ASSERT_TRUE(job.wait_for_output("a", 60s)) << mode << job.wait(1s).err;
    const std::vector<pid_t> ranks = children_of(job.pid());
    ASSERT_EQ(ranks.size(), 3U) << mode;
    ::kill(ranks[1], SIGKILL);
    const Finished ended = job.wait(kTimeToEnd);
    EXPECT_FALSE(ended.timed_out) << mode;
    EXPECT_NE(ended.code, 0) << mode;
    EXPECT_NE(ended.err.find("rank 1"), std::string::npos) << mode << ended.err;
  }
}

TEST(MpiFailure, AWrongFlagIsReportedOnce) {
  const Finished ended = mpirun(3, {"run", "-m", test_data("llama.gguf"), "-p", "x", "--moed", "tensor"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(count_of(ended.err, "error: "), 1) << ended.err;
  EXPECT_NE(ended.err.find("'--moed'"), std::string::npos) << ended.err;
}

TEST(MpiFailure, AFileThatIsNotThereIsReportedOnce) {
  const Finished ended = mpirun(3, {"run", "-m", "absent.gguf", "-p", "x", "--mode", "pipeline"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(count_of(ended.err, "error: "), 1) << ended.err;
  EXPECT_NE(ended.err.find("absent.gguf"), std::string::npos) << ended.err;
}

TEST(MpiFailure, APromptOverTheContextIsReportedOnce) {
  for (const std::string mode : {"pipeline", "tensor", "self-moa"}) {
    const Finished ended =
        mpirun(2, {"run", "-m", test_data("llama.gguf"), "-p", std::string(600, 'x'), "--ctx", "64", "--mode", mode});
    EXPECT_EQ(ended.code, 1) << mode;
    EXPECT_EQ(count_of(ended.err, "error: "), 1) << mode << ended.err;
    EXPECT_NE(ended.err.find("64"), std::string::npos) << mode << ended.err;
    EXPECT_EQ(ended.out, "") << mode;
  }
}

// Rank 0 with one model, rank 1 with another.
Finished two_models(const std::string& mode, const std::string& other) {
  const auto rank = [&](const std::string& model) {
    return std::vector<std::string>{"-np", "1",    COVEY_PROGRAM, "run", "-m",     model,
                                    "-p",  "once", "-n",          "4",   "--mode", mode};
  };
  std::vector<std::string> command = {"mpirun"};
  for (const std::string& word : rank(test_data("llama.gguf"))) command.push_back(word);
  command.emplace_back(":");
  for (const std::string& word : rank(other)) command.push_back(word);
  return run(command, {.input = "", .out_path = "", .environment = mpi_environment(), .limit = 30s});
}

TEST(MpiFailure, ARankWithAnotherModelIsNamed) {
  using Case = std::pair<std::string, std::string>;
  for (const auto& [mode, other] :
       {Case{"pipeline", "llama-tied.gguf"}, {"tensor", "llama-yarn.gguf"}, {"self-moa", "llama-tied.gguf"}}) {
    const Finished ended = two_models(mode, test_data(other));
    EXPECT_FALSE(ended.timed_out) << mode;
    EXPECT_EQ(ended.code, 1) << mode << " with " << other;
    EXPECT_NE(ended.err.find("error: rank 1"), std::string::npos) << mode << ended.err;
    EXPECT_EQ(count_of(ended.err, "error: "), 1) << mode << ended.err;
    EXPECT_EQ(ended.out, "") << mode;
  }
}

TEST(MpiFailure, ARankWithATruncatedFileIsNamed) {
  const std::string cut = scratch("cut.gguf");
  std::filesystem::copy_file(test_data("llama.gguf"), cut, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 1000);
  for (const std::string mode : {"pipeline", "tensor", "self-moa"}) {
    const Finished ended = two_models(mode, cut);
    EXPECT_FALSE(ended.timed_out) << mode;
    EXPECT_EQ(ended.code, 1) << mode;
    EXPECT_NE(ended.err.find("rank 1"), std::string::npos) << mode << ended.err;
    EXPECT_NE(ended.err.find("cut.gguf"), std::string::npos) << mode << ended.err;
    EXPECT_EQ(count_of(ended.err, "error: "), 1) << mode << ended.err;
  }
}

TEST(MpiFailure, SharesThatDoNotMatchTheRanksAreRefused) {
  const Finished ended =
      mpirun(2, {"run", "-m", test_data("llama.gguf"), "-p", "x", "--mode", "tensor", "--shares", "2,1,1"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(count_of(ended.err, "error: "), 1) << ended.err;
  EXPECT_NE(ended.err.find("share"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace covey

#endif
