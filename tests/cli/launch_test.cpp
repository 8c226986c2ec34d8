// Ranks that are killed under `covey launch`: the others finish the work, or the program says what is missing.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/program.hpp"

#ifdef COVEY_WITH_MPI

namespace covey {
namespace {

using namespace std::chrono_literals;

// Ranks of a job, in order; fewer if they have not all been started within a time.
std::vector<pid_t> ranks_of(const Subprocess& job, std::size_t count) {
  const auto until = std::chrono::steady_clock::now() + 30s;
  std::vector<pid_t> ranks;
  while (ranks.size() < count && std::chrono::steady_clock::now() < until) {
    const std::vector<pid_t> launchers = children_of(job.pid());
    if (!launchers.empty()) ranks = children_of(launchers.front());
    if (ranks.size() < count) std::this_thread::sleep_for(1ms);
  }
  return ranks;
}

std::vector<std::string> long_run(const std::string& mode) {
  const std::string model = scratch("launch.gguf");
  if (!std::filesystem::exists(model)) {
    covey_run(
        {"synth", model, "--n-embd", "64", "--n-ff", "96", "--n-head", "4", "--n-kv", "2", "--n-ctx", "4096", "-q"});
  }
  return {"run",    "-m", model,    "-p", "once",      "-n", "1500", "--ctx",  "4096", "--ignore-eos",
          "--temp", "5",  "--seed", "3",  "--no-blas", "-t", "1",    "--mode", mode};
}

std::vector<std::string> launched(std::vector<std::string> flags, const std::vector<std::string>& command) {
  std::vector<std::string> all = {COVEY_PROGRAM, "launch"};
  all.insert(all.end(), flags.begin(), flags.end());
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

RunOptions with_mpi() { return {.input = "", .out_path = "", .environment = mpi_environment()}; }

TEST(Launch, TheOthersFinishWhatAKilledRankLeft) {
  const Finished solo = covey_run(long_run("solo"));
  Subprocess job(launched({"-n", "3"}, long_run("pipeline")), with_mpi());
  ASSERT_TRUE(job.wait_for_output(solo.out.substr(0, 20), 60s)) << job.wait(1s).err;
  const std::vector<pid_t> ranks = ranks_of(job, 3);
  ASSERT_EQ(ranks.size(), 3U);
  ::kill(ranks[1], SIGKILL);
  const Finished ended = job.wait(60s);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, solo.out);
  EXPECT_NE(ended.err.find("rank 1 is lost"), std::string::npos) << ended.err;
}

TEST(Launch, WithoutRankZeroThereIsAnError) {
  Subprocess job(launched({"-n", "2"}, long_run("tensor")), with_mpi());
  ASSERT_TRUE(job.wait_for_output("a", 60s)) << job.wait(1s).err;
  const std::vector<pid_t> ranks = ranks_of(job, 2);
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[0], SIGKILL);
  const Finished ended = job.wait(60s);
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find("rank 0, the one that prints, is lost"), std::string::npos) << ended.err;
}

TEST(Launch, ARankThatDiesWhileMpiStartsIsNotWaitedForForEver) {
  Subprocess job(launched({"-n", "2", "--start-timeout", "2"}, long_run("tensor")), with_mpi());
  const std::vector<pid_t> ranks = ranks_of(job, 2);
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[1], SIGKILL);
  const Finished ended = job.wait(60s);
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find("have not met within 2 s"), std::string::npos) << ended.err;
}

TEST(Launch, TheExitCodeIsThatOfTheProgram) {
  EXPECT_EQ(run(launched({"-n", "2"}, {"run", "-m", "absent.gguf", "-p", "x"}), with_mpi()).code, 1);
  EXPECT_EQ(run(launched({"-n", "2"}, {"run", "--moed", "tensor"}), with_mpi()).code, 2);
  const Finished nothing = covey_run({"launch", "-n", "2"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_NE(nothing.err.find("after --"), std::string::npos) << nothing.err;
}

}  // namespace
}  // namespace covey

#endif
