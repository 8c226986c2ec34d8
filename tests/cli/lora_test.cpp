#include <gtest/gtest.h>

#include "tests/cli/program.hpp"
#include "tests/model/made_lora.hpp"

namespace covey {
namespace {

std::vector<std::string> logits_with(const std::vector<std::string>& more) {
  std::vector<std::string> all = {"logits", "-m", test_data("llama.gguf"), "--tokens", "1,290,42", "-t", "1"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

class LoraOption : public testing::Test {
 protected:
  LoraOption() { adapt_all(lora_, GgufFile::open(test_data("llama.gguf")), 4); }
  MadeLora lora_;
};

TEST_F(LoraOption, ChangesTheModelByItsScale) {
  const std::string path = lora_.write();
  const std::string plain = covey_run(logits_with({})).out;
  const Finished adapted = covey_run(logits_with({"--lora", path}));
  ASSERT_EQ(adapted.code, 0) << adapted.err;
  EXPECT_NE(adapted.out, plain);
  EXPECT_EQ(covey_run(logits_with({"--lora", path + ":1"})).out, adapted.out);
  EXPECT_EQ(covey_run(logits_with({"--lora", path + ":0"})).out, plain);
  EXPECT_NE(covey_run(logits_with({"--lora", path + ":0.5"})).out, adapted.out);
  const std::string twice = covey_run(logits_with({"--lora", path + ":0.25", "--lora", path + ":-.25"})).out;
  EXPECT_NE(twice, adapted.out);
  EXPECT_EQ(covey_run(logits_with({"--lora", path, "--mode", "pipeline", "--ranks", "1"})).out, adapted.out);
}

TEST_F(LoraOption, NamesMayHoldColons) {
  const std::string odd = scratch("name:2"), other = scratch("a:b.gguf");
  std::filesystem::copy_file(lora_.write(), odd);
  std::filesystem::copy_file(lora_.write(), other);
  const std::string adapted = covey_run(logits_with({"--lora", lora_.write()})).out;
  EXPECT_EQ(covey_run(logits_with({"--lora", odd + ":1"})).out, adapted);
  EXPECT_EQ(covey_run(logits_with({"--lora", other})).out, adapted);
  const Finished cut = covey_run(logits_with({"--lora", odd}));
  EXPECT_EQ(cut.code, 1);
  EXPECT_NE(cut.err.find(scratch("name") + ": can't be opened"), std::string::npos) << cut.err;
}

TEST_F(LoraOption, WrongOnesAreRefused) {
  const std::string path = lora_.write();
  for (const char* scale : {":inf", ":nan", ":1e99"}) {
    const Finished wrong = covey_run(logits_with({"--lora", path + scale}));
    EXPECT_EQ(wrong.code, 2) << scale;
    EXPECT_NE(wrong.err.find("finite"), std::string::npos) << wrong.err;
  }
  EXPECT_EQ(covey_run(logits_with({"--lora", test_data("llama.gguf")})).code, 1);
  EXPECT_EQ(covey_run({"logits", "-m", test_data("qwen2.gguf"), "--tokens", "1", "--lora", path}).code, 1);
}

TEST_F(LoraOption, ServesRunsAndMeasurements) {
  const std::string path = lora_.write();
  const auto ran = parsed(covey_run({"run", "-m", test_data("llama.gguf"), "--lora", path + ":0.5", "-p", "a", "-n",
                                     "3", "--ignore-eos", "--json"})
                              .out);
  EXPECT_EQ(ran["lora"], (std::vector<std::string>{path + ":0.5"}));
  const auto measured = parsed(covey_run({"bench", "-m", test_data("llama.gguf"), "--lora", path, "-p", "4", "-n", "1",
                                          "-r", "1", "-t", "1", "--limit-time", "0", "--limit-memory", "1", "--json"})
                                   .out);
  EXPECT_NE(measured.dump().find("llama.gguf + covey_lora"), std::string::npos) << measured.dump();
}

TEST_F(LoraOption, AdaptersAreNoModels) {
  const std::string path = lora_.write();
  const Finished info = covey_run({"info", path});
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_NE(info.out.find("LoRA of 15 matrices, rank 4, alpha 16"), std::string::npos) << info.out;
  EXPECT_EQ(info.out.find("note"), std::string::npos) << info.out;
  const auto json = parsed(covey_run({"info", path, "--json"}).out);
  EXPECT_EQ(json["adapter"]["ranks"]["blk.0.attn_q.weight"], 4);
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"run", "-m", path, "-p", "a"},
                                                    {"quantize", path, scratch("q.gguf"), "--type", "F16"}}) {
    const Finished refused = covey_run(arguments);
    EXPECT_EQ(refused.code, 1) << arguments[0];
    EXPECT_NE(refused.err.find("is an adapter"), std::string::npos) << refused.err;
  }
}

}  // namespace
}  // namespace covey
