// The program on GPUs: which there are, and that they write what the CPU writes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

nlohmann::json listed_devices() { return parsed(covey_run({"devices", "--json"}).out); }

class VulkanProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (listed_devices().size() < 2) GTEST_SKIP() << "there is no Vulkan device here";
  }

  /// What a run prints, with these arguments beside the prompt.
  static std::string answer(const std::vector<std::string>& more, int ranks = 1) {
    std::vector<std::string> arguments = {
        "run", "-m", test_data("llama.gguf"), "-p", "Once upon", "--greedy", "-n", "12", "-t", "1", "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    RunOptions options;
    options.environment["XDG_CACHE_HOME"] = scratch("cache");
    const Finished finished = ranks == 1 ? covey_run(arguments, options) : mpirun(ranks, arguments, options);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return finished.out;
  }
};

TEST(Devices, ListsTheCpuFirst) {
  const Finished text = covey_run({"devices"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.out.rfind("device", 0), 0U);
  const nlohmann::json devices = listed_devices();
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0]["device"], "cpu");
  EXPECT_GE(devices[0]["cores"], 1);
  EXPECT_GT(devices[0]["memory_bytes"], devices[0]["free_bytes"]);
  for (std::size_t i = 1; i < devices.size(); ++i) {
    EXPECT_EQ(devices[i]["device"], "vulkan:" + std::to_string(i - 1));
    EXPECT_NE(text.out.find(devices[i]["name"].get<std::string>()), std::string::npos);
  }
}

TEST(Devices, WithoutADriverThereIsTheCpu) {
  RunOptions options;
  options.environment["VK_ICD_FILENAMES"] = options.environment["VK_DRIVER_FILES"] = "/no/such/driver.json";
  const Finished listed = covey_run({"devices", "--json"}, options);
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(parsed(listed.out).size(), 1U);
  const Finished run = covey_run({"run", "-m", test_data("llama.gguf"), "-p", "a", "--device", "vulkan"}, options);
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("install"), std::string::npos) << run.err;
}

TEST(Devices, WhatIsNoDeviceIsRefused) {
  for (const char* name : {"gpu", "vulkan:", "vulkan:x", "vulkan:-1", "vulkan:1x", ""}) {
    const Finished finished = covey_run({"run", "-m", test_data("llama.gguf"), "-p", "a", "--device", name});
    EXPECT_EQ(finished.code, 2) << name;
    EXPECT_NE(finished.err.find("--device"), std::string::npos) << finished.err;
  }
  const Finished missing = covey_run({"run", "-m", test_data("llama.gguf"), "-p", "a", "--device", "vulkan:99"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.err.find("Vulkan"), std::string::npos) << missing.err;
  const Finished ranks = covey_run({"run", "-m", test_data("llama.gguf"), "-p", "a", "--devices", "cpu,cpu"});
  EXPECT_EQ(ranks.code, 2);
  EXPECT_NE(ranks.err.find("2 devices"), std::string::npos) << ranks.err;
  const Finished isa = covey_run({"run", "-m", test_data("llama.gguf"), "-p", "a", "--device", "vulkan", "--no-blas"});
  EXPECT_EQ(isa.code, 2);
}

TEST_F(VulkanProgram, WritesWhatTheCpuWrites) {
  const std::string expected = answer({});
  EXPECT_EQ(answer({"--device", "vulkan:0"}), expected);
  EXPECT_EQ(answer({"--device", "vulkan:0", "--gpu-layers", "1"}), expected);
}

TEST_F(VulkanProgram, TellsWhatItsClockHasMeasured) {
  const nlohmann::json operations = parsed(answer({"--device", "vulkan:0", "--json"}))["ranks"][0]["operations"];
  for (const char* operation : {"products", "attention", "norms"}) {
    EXPECT_GT(operations[operation]["seconds"], 0) << operations.dump();
    EXPECT_GT(operations[operation]["count"], 0) << operations.dump();
  }
}

TEST_F(VulkanProgram, IsMeasuredAgainstItsOwnLimits) {
  RunOptions options;
  options.environment["XDG_CACHE_HOME"] = scratch("cache");
  const nlohmann::json profile = parsed(covey_run({"devices", "--limits", "--json"}, options).out);
  for (const nlohmann::json& device : profile) {
    EXPECT_GT(device["limits"]["bandwidth"], 0) << device.dump();
    EXPECT_GT(device["limits"]["fma"], 0) << device.dump();
  }
  const Finished finished = covey_run({"bench", "-m", test_data("llama-q4_0.gguf"), "--device", "vulkan:0", "-p", "16",
                                       "-n", "2", "-r", "1", "--limit-time", "0", "-q", "--json"},
                                      options);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const nlohmann::json report = parsed(finished.out);
  EXPECT_GT(report["limits"]["vulkan:0"]["1"]["fma"], 0);
  EXPECT_GT(report["limits"]["vulkan:0"]["1"]["bandwidth"], 0);
  ASSERT_EQ(report["results"].size(), 2U);
  for (const nlohmann::json& result : report["results"]) {
    EXPECT_EQ(result["isa"], "vulkan:0");
    EXPECT_GT(result["percent_of_limit"], 0);
    EXPECT_EQ(result["int8_operations"], 0);
  }
}

#ifdef COVEY_WITH_MPI
TEST_F(VulkanProgram, RanksOfBothKindsShareAModel) {
  const std::string alone = answer({});
  EXPECT_EQ(answer({"--mode", "tensor", "--devices", "cpu,vulkan:0"}, 2), alone);
  EXPECT_EQ(answer({"--mode", "pipeline", "--devices", "vulkan:0,cpu"}, 2), alone);
}
#endif

}  // namespace
}  // namespace covey
