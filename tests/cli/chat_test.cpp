#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

Finished run_covey(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"run", "-m", test_data("llama-q4_0.gguf"), "-n", "8", "--greedy", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return covey_run(arguments);
}

TEST(Chat, PutsThePromptInATemplate) {
  const Finished ended = run_covey({"-p", "abc", "--chat", "--chat-template", "chatml"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const Finished written = run_covey({"-p", "<|im_start|>user\nabc<|im_end|>\n<|im_start|>assistant\n", "--special"});
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(parsed(ended.out)["prompt_tokens"], parsed(written.out)["prompt_tokens"]);
  EXPECT_EQ(parsed(ended.out)["tokens"], parsed(written.out)["tokens"]);
}

TEST(Chat, BeginsWithTheSystemMessage) {
  const Finished ended = run_covey({"-p", "abc", "--chat", "--chat-template", "chatml", "--system", "be kind"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const Finished written = run_covey(
      {"-p", "<|im_start|>system\nbe kind<|im_end|>\n<|im_start|>user\nabc<|im_end|>\n<|im_start|>assistant\n",
       "--special"});
  EXPECT_EQ(parsed(ended.out)["tokens"], parsed(written.out)["tokens"]);
  EXPECT_EQ(parsed(ended.out)["prompt_tokens"], parsed(written.out)["prompt_tokens"]);
}

TEST(Chat, SaysWhatToDoWhereThereIsNoTemplate) {
  const Finished none = run_covey({"-p", "abc", "--chat"});
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("llama-q4_0.gguf"), std::string::npos) << none.err;
  EXPECT_NE(none.err.find("chatml"), std::string::npos) << none.err;
  const Finished unknown = run_covey({"-p", "abc", "--chat", "--chat-template", "chatmi"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.err.find("chatml"), std::string::npos) << unknown.err;
}

TEST(Chat, ReachesProposalsAndAggregation) {
  const std::vector<std::string> moa = {"-p", "abc", "--mode", "self-moa", "--proposals", "2", "--seed", "3"};
  const auto with = [&moa](std::vector<std::string> more) {
    more.insert(more.end(), moa.begin(), moa.end());
    std::vector<std::string> arguments = {
        "run", "-m", test_data("llama-q4_0.gguf"), "-n", "8", "-c", "1024", "--json", "--ignore-eos"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const std::vector<std::string> chat =
      with({"--chat", "--chat-template", "chatml", "--temp", "8", "--top-p", "1", "--min-p", "0"});
  const auto ended = parsed(covey_run(chat).out);
  ASSERT_TRUE(ended.is_object());
  ASSERT_EQ(ended["proposals"].size(), 2U);
  EXPECT_NE(ended["proposals"][0]["tokens"], ended["proposals"][1]["tokens"]);
  const std::string turn = "<|im_start|>user\nabc";
  const std::string end = "<|im_end|>\n<|im_start|>assistant\n";
  const auto written = parsed(covey_run({"run",    "-m",      test_data("llama-q4_0.gguf"),
                                         "-n",     "8",       "-c",
                                         "1024",   "--json",  "--ignore-eos",
                                         "--temp", "8",       "--top-p",
                                         "1",      "--min-p", "0",
                                         "--seed", "3",       "--special",
                                         "-p",     turn + end})
                                  .out);
  EXPECT_EQ(ended["proposals"][0]["tokens"], written["tokens"]);
  EXPECT_GT(ended["reused_tokens"], 10);
#ifdef COVEY_WITH_MPI
  const auto many = parsed(mpirun(2, chat).out);
  ASSERT_TRUE(many.is_object());
  EXPECT_EQ(many["proposals"], ended["proposals"]);
  EXPECT_EQ(many["tokens"], ended["tokens"]);
  EXPECT_EQ(many["summary"]["prefill_bytes"], 0);
  EXPECT_LT(many["summary"]["bytes"], 2000);
#endif
}

TEST(Chat, RefusesFlagsThatMeanNothingTogether) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"-p", "abc", "--system", "be kind"}, "--chat"},
      {{"-p", "abc", "--chat-template", "chatml"}, "--chat"},
      {{"-p", "abc", "--chat", "--no-bos"}, "--no-bos"},
      {{"-p", "abc", "--load", "talk.json"}, "--chat"},
  };
  for (const auto& [arguments, part] : wrong) {
    const Finished ended = run_covey(arguments);
    EXPECT_EQ(ended.code, 2) << part;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  }
}

}  // namespace
}  // namespace covey
