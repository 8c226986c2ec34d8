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

TEST(Chat, RefusesFlagsThatMeanNothingTogether) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"-p", "abc", "--system", "be kind"}, "--chat"},
      {{"-p", "abc", "--chat-template", "chatml"}, "--chat"},
      {{"-p", "abc", "--chat", "--no-bos"}, "--no-bos"},
      {{"-p", "abc", "--chat", "--chat-template", "chatml", "--mode", "self-moa"}, "self-moa"},
  };
  for (const auto& [arguments, part] : wrong) {
    const Finished ended = run_covey(arguments);
    EXPECT_EQ(ended.code, 2) << part;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  }
}

}  // namespace
}  // namespace covey
