#include "mpi/growing_prompt.hpp"

#include <memory>

#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

const std::string kFirst =
    "The bird flew over the house and looked for something to eat. It found a worm near the tree.";
const std::string kSecond =
    "It was a small bird that could not fly yet, so it stayed at home and waited for its mother, who came "
    "back in the evening with a worm for each of them, and told them of the wide world.";

class GrowingPromptTest : public testing::Test {
 protected:
  GrowingPromptTest() {
    options_.prompt = "Once upon a time there was a bird";
    model_ = std::make_unique<LoadedModel>(model_file("llama.gguf"), StageOptions());
    maker_ = std::make_unique<PromptMaker>(*model_, false, kSelfMoaPrompt);
  }

  /// What is read ahead of two proposals when the first is known, and so much of the second.
  std::optional<Request> with_draft(std::size_t bytes) const {
    GrowingPrompt prompt(*maker_, options_, 2);
    prompt.add(kFirst);
    return prompt.ahead(std::string_view(kSecond).substr(0, bytes), 0, 1024);
  }
  Request whole() const {
    GrowingPrompt prompt(*maker_, options_, 2);
    prompt.add(kFirst);
    prompt.add(kSecond);
    return prompt.request(1024);
  }

  GenerateOptions options_;
  std::unique_ptr<LoadedModel> model_;
  std::unique_ptr<PromptMaker> maker_;
};

TEST_F(GrowingPromptTest, WhatIsReadAheadIsWhatTheAnswerBeginsWith) {
  const Request request = whole();
  std::size_t most = 0;
  for (std::size_t bytes = 0; bytes <= kSecond.size(); ++bytes) {
    const std::optional<Request> ahead = with_draft(bytes);
    ASSERT_TRUE(ahead) << "the first proposal is longer than a piece";
    ASSERT_LT(ahead->prompt.size(), request.prompt.size());
    EXPECT_TRUE(std::equal(ahead->prompt.begin(), ahead->prompt.end(), request.prompt.begin())) << bytes;
    EXPECT_TRUE(std::equal(ahead->cuts.begin(), ahead->cuts.end(), request.cuts.begin())) << "in the same pieces";
    EXPECT_EQ(ahead->cuts.back(), static_cast<std::int32_t>(ahead->prompt.size()));
    EXPECT_GE(ahead->prompt.size(), most);
    most = ahead->prompt.size();
  }
  EXPECT_GT(most, with_draft(0)->prompt.size()) << "a draft is read, too";
}

TEST_F(GrowingPromptTest, NothingIsReadTwice) {
  GrowingPrompt prompt(*maker_, options_, 2);
  prompt.add(kFirst);
  const auto end = static_cast<std::int32_t>(prompt.ahead(kSecond, 0, 1024)->prompt.size());
  EXPECT_FALSE(prompt.ahead(kSecond, end, 1024));
  EXPECT_TRUE(prompt.ahead(kSecond, end - 1, 1024));
  EXPECT_FALSE(prompt.ahead(kSecond, 0, end)) << "nor what does not fit the context";
}

TEST_F(GrowingPromptTest, BehindTheLastProposalNoneIsExpected) {
  GrowingPrompt prompt(*maker_, options_, 1);
  prompt.add(kFirst);
  EXPECT_EQ(prompt.ahead(kSecond, 0, 1024)->prompt, prompt.ahead("", 0, 1024)->prompt);
}

}  // namespace
}  // namespace covey
