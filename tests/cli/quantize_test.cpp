#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

TEST(Quantize, WritesAModelThatRuns) {
  const std::string out = scratch("small.gguf");
  const Finished ended = covey_run({"quantize", test_data("llama-f16.gguf"), out, "--type", "q4_0"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const char* part : {"tensor", "RMS error", "largest", "blk.1.ffn_down.weight", "Q4_0", "total"}) {
    EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
  }
  const auto info = parsed(covey_run({"info", out, "--json", "--metadata"}).out);
  EXPECT_EQ(info["metadata"]["general.file_type"], 2) << info;
  const Finished ran = covey_run({"run", "-m", out, "-p", "hello", "-n", "3", "--ignore-eos"});
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST(Quantize, ReportsAsJson) {
  const std::string out = scratch("reported.gguf");
  const Finished ended = covey_run({"quantize", test_data("llama-f16.gguf"), out, "--type", "Q8_0", "--keep", "attn_v",
                                    "--keep", "ffn_up", "--token-embedding-type", "Q4_0", "--json", "-t", "2"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto json = parsed(ended.out);
  EXPECT_EQ(json["written"], true);
  EXPECT_EQ(json["output"], out);
  std::uint64_t before = 0, after = 0;
  for (const auto& tensor : json["tensors"]) {
    const std::string name = tensor["name"];
    before += tensor["bytes_before"].get<std::uint64_t>();
    after += tensor["bytes_after"].get<std::uint64_t>();
    const bool kept = name.find("attn_v") != std::string::npos || name.find("ffn_up") != std::string::npos;
    const bool vector = name.find("norm") != std::string::npos;
    const bool embedding = name == "token_embd.weight";
    EXPECT_EQ(tensor["to"], kept ? "F16" : vector ? "F32" : embedding ? "Q4_0" : "Q8_0") << name;
    EXPECT_EQ(tensor["rms_error"].get<double>() > 0, !kept && !vector) << name;
  }
  EXPECT_EQ(json["total"]["bytes_before"], before);
  EXPECT_EQ(json["total"]["bytes_after"], after);
  EXPECT_GT(json["total"]["rms_error"], 0);
}

TEST(Quantize, ADryRunWritesNothing) {
  const std::string out = scratch("not-written.gguf");
  const Finished ended =
      covey_run({"quantize", test_data("llama-f16.gguf"), out, "--type", "Q8_0", "--dry-run", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_FALSE(std::filesystem::exists(out));
  const auto planned = parsed(ended.out);
  EXPECT_EQ(planned["written"], false);
  EXPECT_FALSE(planned["total"].contains("rms_error"));
  const auto done = parsed(covey_run({"quantize", test_data("llama-f16.gguf"), out, "--type", "Q8_0", "--json"}).out);
  EXPECT_EQ(planned["total"]["bytes_after"], done["total"]["bytes_after"]);
  const Finished table = covey_run({"quantize", test_data("llama-f16.gguf"), out, "--type", "Q8_0", "--dry-run"});
  EXPECT_NE(table.out.find("total"), std::string::npos);
}

TEST(Quantize, SaysWhereRowsAreNotWholeBlocks) {
  // Rows of 64 weights: too short for blocks of 256.
  const Finished ended = covey_run({"quantize", test_data("llama.gguf"), scratch("fallen.gguf"), "--type", "Q6_K"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("not whole blocks of Q6_K"), std::string::npos) << ended.out;
}

TEST(Quantize, RefusesWhatItCannotDo) {
  const std::string model = scratch("kept.gguf");
  std::filesystem::copy_file(test_data("llama.gguf"), model);
  const auto size = std::filesystem::file_size(model);
  const Finished same = covey_run({"quantize", model, scratch("./kept.gguf"), "--type", "Q8_0"});
  EXPECT_EQ(same.code, 1);
  EXPECT_NE(same.err.find("kept.gguf"), std::string::npos) << same.err;
  EXPECT_EQ(std::filesystem::file_size(model), size);

  const Finished nowhere = covey_run({"quantize", model, scratch("no/such/folder.gguf"), "--type", "Q8_0"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_NE(nowhere.err.find("folder.gguf"), std::string::npos) << nowhere.err;

  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{model, scratch("x.gguf")}, "--type"},
      {{model, "--type", "Q8_0"}, "OUT"},
      {{model, scratch("x.gguf"), "--type", "Q9_9"}, "Q9_9"},
      {{model, scratch("x.gguf"), "--type", "Q8_0", "--output-type", "Q9_9"}, "Q9_9"},
      {{model, scratch("x.gguf"), "--type", "Q8_0", "-t", "0"}, "'0'"},
  };
  for (const auto& [arguments, part] : wrong) {
    std::vector<std::string> all = {"quantize"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished ended = covey_run(all);
    EXPECT_EQ(ended.code, 2) << part;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  }
  EXPECT_FALSE(std::filesystem::exists(scratch("x.gguf")));
}

}  // namespace
}  // namespace covey
