// The laboratory of several hosts (tools/netlab): real sockets between network namespaces. Root only.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

#if defined(COVEY_WITH_MPI) && defined(COVEY_NETLAB_WIRE)

namespace covey {
namespace {

class Netlab : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to make network namespaces";
    if (!std::filesystem::exists("/dev/net/tun")) GTEST_SKIP() << "needs /dev/net/tun";
    const Finished up = lab({"up", "2", "latency=2ms,bandwidth=100mbit"});
    if (up.code != 0) {
      lab({"down"});
      GTEST_SKIP() << "no network namespaces here: " << up.err;
    }
  }
  void TearDown() override { lab({"down"}); }

  static Finished lab(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), COVEY_SOURCE_DIR "/tools/netlab/netlab.sh");
    RunOptions options;
    options.environment = {{"NETLAB_WIRE", COVEY_NETLAB_WIRE}, {"NETLAB_STATE", scratch("netlab")}};
    options.environment.merge(mpi_environment());
    return run(arguments, options);
  }
  static Finished on_hosts(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"mpirun", "2", COVEY_PROGRAM});
    return lab(arguments);
  }
  static double sent_by(const std::string& host) {
    const Finished bytes = lab({"sent", host});
    return bytes.code == 0 ? std::stod(bytes.out) : -1;
  }
};

TEST_F(Netlab, RanksOnTwoHostsGiveTheTextOfOneAndSendWhatTheLedgerSays) {
  const Finished doctor = on_hosts({"doctor", "-m", test_data("llama.gguf"), "--json"});
  const auto checkup = parsed(doctor.out);
  ASSERT_TRUE(checkup.is_object()) << doctor.out << doctor.err;
  EXPECT_EQ(checkup["ranks"][0]["host"], "lab1");
  EXPECT_EQ(checkup["ranks"][1]["host"], "lab2");
  for (const auto& link : checkup["links"]) {
    EXPECT_GE(link["latency_seconds"].get<double>(), 2e-3);
    EXPECT_LE(link["bytes_per_second"].get<double>(), 100e6 / 8);
  }

  const std::vector<std::string> command = {
      "run", "-m", test_data("llama.gguf"), "-p", "once upon a time", "-n", "40", "--greedy", "--json", "--ignore-eos"};
  const auto alone = parsed(covey_run(command).out);
  std::vector<std::string> split = command;
  split.insert(split.end(), {"--mode", "tensor"});
  const double before = sent_by("2");
  const Finished ended = on_hosts(split);
  const double wire = sent_by("2") - before;
  const auto together = parsed(ended.out);
  ASSERT_TRUE(together.is_object()) << ended.out << ended.err;
  EXPECT_EQ(together["tokens"], alone["tokens"]);
  double account = 0;
  double messages = 0;
  for (const auto& to : together["ranks"][1]["sent"]) {
    for (const char* phase : {"load", "prefill", "decode", "other"}) {  // loading measures ways to sum
      account += to[phase]["bytes"].get<double>();
      messages += to[phase]["messages"].get<double>();
    }
  }
  // Beside the messages themselves: frames, MPI's and TCP's headers on each, acknowledgements, start-up.
  EXPECT_GT(wire, account);
  EXPECT_LT(wire, account + 400 * messages + 200e3);
}

}  // namespace
}  // namespace covey

#endif
