#include "mpi/mode.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

GenerateOptions moa(std::int32_t proposals) {
  GenerateOptions options;
  options.prompt = "Once upon a time there was a bird";
  options.sampling.temperature = 8.0F;  // random weights have opinions
  options.sampling.top_p = 1.0F;
  options.sampling.min_p = 0.0F;
  options.sampling.seed = 7;
  options.max_tokens = 12;
  options.ignore_eos = true;
  options.proposals = proposals;
  options.proposal_tokens = 10;
  return options;
}

struct MoaOutcome {
  Answer answer;
  std::string streamed;
  std::vector<RankReport> reports;
};

MoaOutcome outcome(int ranks, const GenerateOptions& options, const std::string& model = "llama.gguf") {
  MoaOutcome out;
  out.reports = on_session("self-moa", ranks, job_on(model_file(model)), [&](Session& session) {
    out.answer = session.generate(options, [&](std::string_view text) { out.streamed += text; });
  });
  return out;
}

void expect_same(const Answer& a, const Answer& b) {
  ASSERT_EQ(a.proposals.size(), b.proposals.size());
  for (std::size_t i = 0; i < a.proposals.size(); ++i) {
    EXPECT_EQ(a.proposals[i].text, b.proposals[i].text) << i;
    EXPECT_EQ(a.proposals[i].tokens, b.proposals[i].tokens) << i;
    EXPECT_EQ(a.proposals[i].logprobs, b.proposals[i].logprobs) << i;
    EXPECT_EQ(a.proposals[i].finish, b.proposals[i].finish) << i;
  }
  EXPECT_EQ(a.completion.tokens, b.completion.tokens);
  EXPECT_EQ(a.completion.logprobs, b.completion.logprobs);
}

TEST(SelfMoa, TheAnswerDependsOnTheSeedNotOnTheRanks) {
  for (const char* model : {"llama.gguf", "llama-q4_0.gguf"}) {
    const MoaOutcome alone = outcome(1, moa(6), model);
    ASSERT_EQ(alone.answer.proposals.size(), 6U);
    EXPECT_NE(alone.answer.proposals[0].text, alone.answer.proposals[1].text);
    EXPECT_EQ(alone.answer.completion.text, alone.streamed);
    for (const int ranks : {2, 3}) expect_same(outcome(ranks, moa(6), model).answer, alone.answer);
    GenerateOptions other = moa(6);
    other.sampling.seed = 8;
    EXPECT_NE(outcome(1, other, model).answer.proposals[0].text, alone.answer.proposals[0].text);
  }
}

TEST(SelfMoa, ReadingDraftsChangesNothing) {
  GenerateOptions options = moa(4);
  options.proposal_tokens = 100;
  const MoaOutcome alone = outcome(1, options);
  for (const int ranks : {2, 3}) {
    const MoaOutcome out = outcome(ranks, options);
    expect_same(out.answer, alone.answer);
    EXPECT_GT(out.reports[1].sent.at(0)[static_cast<int>(Phase::other)].messages, 6U)
        << "drafts, of a dozen tokens each";
  }
}

TEST(SelfMoa, MoreRanksThanProposals) { expect_same(outcome(4, moa(2)).answer, outcome(1, moa(2)).answer); }

TEST(SelfMoa, ThePromptIsEvaluatedOnceOnEachRank) {
  const MoaOutcome out = outcome(3, moa(6));
  const std::int32_t prompt = out.answer.proposals[0].prompt_tokens;
  ASSERT_EQ(out.reports[0].streams.size(), 3U);
  const StreamTimes& aggregation = out.reports[0].streams[2];
  EXPECT_EQ(aggregation.role, "answer");
  EXPECT_GE(aggregation.reused_tokens, prompt) << "and what was read while others were still writing";
  for (const int rank : {1, 2}) {
    const RankReport& report = out.reports[static_cast<std::size_t>(rank)];
    ASSERT_EQ(report.streams.size(), 2U);
    EXPECT_EQ(report.streams[1].role, "proposal");
    EXPECT_EQ(report.streams[1].reused_tokens, prompt);
    EXPECT_EQ(report.phases[static_cast<int>(Phase::prefill)].tokens, static_cast<std::uint64_t>(prompt));
  }
  EXPECT_EQ(out.reports[0].phases[static_cast<int>(Phase::prefill)].tokens,
            static_cast<std::uint64_t>(aggregation.prompt_tokens));
}

TEST(SelfMoa, OnlyTextTravels) {
  const MoaOutcome out = outcome(3, moa(6));
  const Summary summary = summarize("self-moa", out.reports);
  EXPECT_EQ(summary.prefill_bytes + summary.decode_bytes, 0U);
  EXPECT_GT(summary.bytes, 0U);
  EXPECT_LT(summary.bytes, 2000U);
  EXPECT_EQ(out.reports[1].sent.at(0)[static_cast<int>(Phase::other)].messages, 4U) << "two proposals, framed";
  EXPECT_EQ(out.reports[1].sent.size(), 1U);
}

TEST(SelfMoa, WhatMakesNoSenseIsRefused) {
  on_session("self-moa", 2, job_on(model_file("llama.gguf")), [](Session& session) {
    GenerateOptions options = moa(6);
    options.sampling.temperature = 0;
    EXPECT_TRUE(contains(error_of([&] { session.generate(options, {}); }), "--temp"));
    EXPECT_TRUE(contains(error_of([&] { session.generate(moa(0), {}); }), "--proposals"));
    options = moa(6);
    options.prompt = std::string(2000, 'x');
    EXPECT_TRUE(contains(error_of([&] { session.generate(options, {}); }), "the context holds 1024"));
    EXPECT_EQ(session.generate(moa(2), {}).proposals.size(), 2U);
  });
}

TEST(SelfMoa, AnAggregationOverTheContextSaysWhatToLower) {
  JobOptions job = job_on(model_file("llama.gguf"));
  job.stage.n_ctx = 128;
  const std::string message =
      error_of([&] { on_session("self-moa", 2, job, [](Session& session) { session.generate(moa(8), {}); }); });
  EXPECT_TRUE(contains(message, "the aggregation prompt has"));
  EXPECT_TRUE(contains(message, "the context holds 128"));
  EXPECT_TRUE(contains(message, "--proposals or --proposal-tokens"));
}

GenerateOptions chat_moa(const std::string& question) {
  GenerateOptions options = moa(6);
  options.chat = ChatQuestion{{{"user", question}}, "chatml"};
  options.prompt = "<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n";
  options.special = true;
  return options;
}

TEST(SelfMoa, InAConversationProposalsAreInTheUsersMessage) {
  const MoaOutcome alone = outcome(1, chat_moa("why?"));
  for (const int ranks : {2, 3, 8}) expect_same(outcome(ranks, chat_moa("why?")).answer, alone.answer);
  const std::int32_t prompt = alone.answer.proposals[0].prompt_tokens;
  EXPECT_LT(alone.answer.completion.reused_tokens, prompt) << "the end of the turn comes after the proposals";
  EXPECT_GT(alone.answer.completion.reused_tokens, prompt / 3);
  EXPECT_GT(alone.answer.completion.prompt_tokens, prompt + 60);
  EXPECT_EQ(alone.reports[0].phases[static_cast<int>(Phase::prefill)].tokens,
            static_cast<std::uint64_t>(prompt + alone.answer.completion.prompt_tokens -
                                       alone.answer.completion.reused_tokens));
}

TEST(SelfMoa, AConversationGoesOnAlikeOnAnyNumberOfRanks) {
  std::vector<Answer> alone;
  for (const int ranks : {1, 3}) {
    std::vector<Answer> answers;
    on_session("self-moa", ranks, job_on(model_file("llama-q4_0.gguf")), [&](Session& session) {
      GenerateOptions options = chat_moa("why?");
      answers.push_back(session.generate(options, {}));
      options.known = {options.prompt + answers[0].completion.text, {}};
      options.known.tokens = session.tokenizer().encode(options.prompt, {.bos = std::nullopt, .special = true});
      const auto& drawn = answers[0].completion.tokens;
      options.known.tokens.insert(options.known.tokens.end(), drawn.begin(), drawn.end());
      options.prompt =
          options.known.text + "<|im_end|>\n<|im_start|>user\nand then?<|im_end|>\n<|im_start|>assistant\n";
      options.chat.reset();
      answers.push_back(session.generate(options, {}));
    });
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[1].proposals[0].reused_tokens, answers[0].proposals[0].prompt_tokens);
    if (alone.empty()) alone = answers;
    for (std::size_t turn : {0, 1}) expect_same(answers[turn], alone[turn]);
  }
}

TEST(SelfMoa, AnAnswerCanBeStoppedAtAnyTime) {
  const Answer whole = outcome(1, moa(6)).answer;
  // Passes of the proposals, of waiting for those of others, and of the aggregation.
  for (const int passes : {1, 5, 13, 20, 30}) {
    on_session("self-moa", 3, job_on(model_file("llama.gguf")), [&](Session& session) {
      int left = passes;
      const Answer stopped = session.generate(moa(6), [&](std::string_view) {
        if (--left == 0) throw StopAnswer();
      });
      EXPECT_EQ(stopped.completion.finish, Finish::cancelled) << passes;
      EXPECT_LT(stopped.completion.tokens.size(), whole.completion.tokens.size()) << passes;
      expect_same(session.generate(moa(6), {}), whole);
      left = passes;
      session.generate(moa(6), [&](std::string_view) {
        if (--left == 0) throw StopAnswer();
      });
    });
  }
}

}  // namespace
}  // namespace covey
