#include "model/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "covey/error.hpp"
#include "fake_runner.hpp"

namespace covey {
namespace {

constexpr std::int32_t kVocab = 300;

const Tokenizer& tokenizer() {
  static const GgufFile file = GgufFile::open(COVEY_TEST_DATA "/llama.gguf");
  static const auto instance = Tokenizer::from_gguf(file);
  return *instance;
}

RunnerLimits limits(std::int32_t blocks = 64) {
  return {.n_vocab = kVocab, .n_ctx = 96, .max_tokens = 8, .block_tokens = 4, .blocks = blocks};
}

Request request(std::vector<Token> prompt, std::uint64_t seed = 1, std::int32_t max_tokens = 20) {
  Request r;
  r.prompt = std::move(prompt);
  r.sampling.seed = seed;
  r.sampling.temperature = 1.0F;
  r.max_tokens = max_tokens;
  r.ignore_eos = true;
  return r;
}

std::vector<Token> prompt_of(std::int32_t length, Token salt) {
  std::vector<Token> prompt;
  for (std::int32_t i = 0; i < length; ++i) prompt.push_back(260 + (i * 7 + salt) % 40);
  return prompt;
}

/// What a request gives when it has an engine and all the room to itself.
std::vector<Completion> alone(const Request& r) {
  FakeRunner runner(limits(1000));
  Engine engine(runner, tokenizer());
  const auto ids = engine.submit(r);
  engine.run();
  std::vector<Completion> results;
  for (const auto id : ids) results.push_back(engine.completion(id));
  return results;
}

TEST(Engine, StopsAtMaxTokensAndReportsEachToken) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  const auto id = engine.submit(request(prompt_of(19, 0))).front();
  std::vector<Token> seen;
  std::string text;
  Finish finish = Finish::running;
  engine.run([&](const Event& event) {
    if (event.token >= 0) seen.push_back(event.token);
    text += event.text;
    finish = event.finish;
  });
  const Completion& completion = engine.completion(id);
  EXPECT_EQ(completion.tokens.size(), 20U);
  EXPECT_EQ(seen, completion.tokens);
  EXPECT_EQ(text, completion.text);
  EXPECT_EQ(completion.logprobs.size(), 20U);
  EXPECT_EQ(finish, Finish::max_tokens);
  EXPECT_EQ(completion.finish, Finish::max_tokens);
  EXPECT_EQ(completion.prompt_tokens, 19);
  EXPECT_LE(runner.largest_batch, 8U) << "prompts are cut in pieces";
  EXPECT_EQ(runner.evaluated, 19U + 19U) << "the last token drawn is never evaluated";
}

TEST(Engine, ASampleDoesNotDependOnItsCompany) {
  std::vector<Request> requests;
  for (int i = 0; i < 7; ++i) requests.push_back(request(prompt_of(3 + 5 * i, i), static_cast<std::uint64_t>(i)));
  requests[3].samples = 3;
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  std::vector<std::vector<SampleId>> ids;
  for (const auto& r : requests) {
    ids.push_back(engine.submit(r));
    engine.step({});  // arrivals at different times
  }
  engine.run();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto expected = alone(requests[i]);
    for (std::size_t s = 0; s < expected.size(); ++s) {
      EXPECT_EQ(engine.completion(ids[i][s]).tokens, expected[s].tokens) << "request " << i << " sample " << s;
    }
  }
}

TEST(Engine, PreemptsWhenTheCacheIsFullAndGivesTheSameTokens) {
  FakeRunner runner(limits(18));  // 72 tokens of cache for 6 texts of up to 34
  Engine engine(runner, tokenizer());
  std::vector<Request> requests;
  std::vector<SampleId> ids;
  for (int i = 0; i < 6; ++i) requests.push_back(request(prompt_of(14, i), static_cast<std::uint64_t>(i)));
  for (const auto& r : requests) ids.push_back(engine.submit(r).front());
  engine.run();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(engine.completion(ids[i]).tokens, alone(requests[i]).front().tokens) << i;
    EXPECT_EQ(engine.completion(ids[i]).finish, Finish::max_tokens);
  }
}

TEST(Engine, SamplesOfOnePromptEvaluateItOnce) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  Request r = request(prompt_of(16, 5));
  r.samples = 5;
  const auto ids = engine.submit(r);
  engine.run();
  EXPECT_EQ(runner.evaluated, 16U + 5U * 19U);
  EXPECT_EQ(engine.completion(ids[0]).reused_tokens, 0);
  EXPECT_EQ(engine.completion(ids[4]).reused_tokens, 16);
  EXPECT_NE(engine.completion(ids[0]).tokens, engine.completion(ids[1]).tokens);

  // The i-th sample is the same whoever draws it.
  Request second = r;
  second.samples = 2;
  second.first_sample = 3;
  const auto others = alone(second);
  EXPECT_EQ(others[0].tokens, engine.completion(ids[3]).tokens);
  EXPECT_EQ(others[1].tokens, engine.completion(ids[4]).tokens);
}

TEST(Engine, MoreSamplesThanRunTogetherFindThePromptInTheCache) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer(), {.max_running = 2, .prefix_cache = 2});
  Request r = request(prompt_of(16, 5));
  r.samples = 5;
  const auto ids = engine.submit(r);
  engine.run();
  const auto expected = alone(r);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(engine.completion(ids[i]).tokens, expected[i].tokens) << i;
  EXPECT_LT(runner.evaluated, 16U + 5U * 19U + 3U * 16U);
}

TEST(Engine, ReusesTheCacheOfAnEqualBeginning) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  const auto first = engine.submit(request(prompt_of(30, 1))).front();
  engine.run();
  auto longer = prompt_of(30, 1);
  for (const Token token : engine.completion(first).tokens) longer.push_back(token);
  longer.push_back(270);
  const Request next = request(longer, 9);
  const auto second = engine.submit(next).front();
  engine.run();
  EXPECT_EQ(engine.completion(second).reused_tokens, 30 + 19);
  EXPECT_EQ(engine.completion(second).tokens, alone(next).front().tokens);
}

TEST(Engine, AForkContinuesFromTheSameState) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  const auto id = engine.submit(request(prompt_of(9, 2), 4)).front();
  EXPECT_THROW(engine.fork(id, 7), Error) << "not running yet";
  for (int i = 0; i < 8; ++i) engine.step({});
  const auto at_fork = engine.completion(id).tokens;
  const auto fork = engine.fork(id, 77);
  engine.run();
  const auto& a = engine.completion(id).tokens;
  const auto& b = engine.completion(fork).tokens;
  ASSERT_GT(at_fork.size(), 2U);
  EXPECT_TRUE(std::equal(at_fork.begin(), at_fork.end(), b.begin()));
  EXPECT_NE(a, b);
  EXPECT_EQ(a, alone(request(prompt_of(9, 2), 4)).front().tokens);
  EXPECT_EQ(b.size(), 20U);
}

TEST(Engine, CancelEndsASampleAndFreesItsCache) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer(), {.max_running = 64, .prefix_cache = 0});
  Request r = request(prompt_of(20, 3));
  r.samples = 3;
  const auto ids = engine.submit(r);
  engine.step({});
  engine.cancel(ids[0]);  // the leader, in the middle of its prompt
  engine.run();
  EXPECT_EQ(engine.completion(ids[0]).finish, Finish::cancelled);
  const auto expected = alone(r);
  EXPECT_EQ(engine.completion(ids[1]).tokens, expected[1].tokens);
  EXPECT_EQ(engine.completion(ids[2]).tokens, expected[2].tokens);
  EXPECT_EQ(runner.free_blocks(), 64);
}

TEST(Engine, ASinkMayCancelAndForget) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer(), {.max_running = 64, .prefix_cache = 0});
  Request r = request(prompt_of(6, 3));
  r.samples = 4;
  const auto ids = engine.submit(r);
  engine.run([&](const Event& event) {
    if (event.sample == ids[0] && event.finish == Finish::running) {
      engine.cancel(ids[1]);
      engine.cancel(ids[2]);
    }
    if (event.finish != Finish::running) engine.forget(event.sample);
  });
  EXPECT_EQ(engine.completion(ids[1]).finish, Finish::cancelled);
  EXPECT_THROW(engine.completion(ids[3]), Error);
  EXPECT_EQ(runner.free_blocks(), 64);
}

TEST(Engine, EndsAtTheContext) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  const auto id = engine.submit(request(prompt_of(90, 3), 1, -1)).front();
  engine.run();
  EXPECT_EQ(engine.completion(id).finish, Finish::context_full);
  EXPECT_EQ(engine.completion(id).tokens.size(), 6U);
}

TEST(Engine, EndsWhenTheCacheCanHoldNoMore) {
  FakeRunner runner(limits(5));
  Engine engine(runner, tokenizer());
  const auto id = engine.submit(request(prompt_of(17, 3), 1, -1)).front();
  engine.run();
  EXPECT_EQ(engine.completion(id).finish, Finish::context_full);
  EXPECT_EQ(engine.completion(id).tokens.size(), 4U) << "20 cached tokens give one more";
}

TEST(Engine, StopStringsEndTheTextBeforeThem) {
  const auto whole = alone(request(prompt_of(9, 2), 4)).front();
  ASSERT_GT(whole.text.size(), 8U);
  const std::string stop = whole.text.substr(6, 3);
  Request r = request(prompt_of(9, 2), 4);
  r.stop = {"never there", stop};
  const auto stopped = alone(r).front();
  EXPECT_EQ(stopped.finish, Finish::stop_string);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(stop)));
}

TEST(Engine, NothingToGenerateIsDoneAtOnce) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  Request r = request(prompt_of(9, 2), 4, 0);
  r.samples = 2;
  const auto ids = engine.submit(r);
  int ended = 0;
  engine.run([&](const Event& event) { ended += event.finish == Finish::max_tokens ? 1 : 0; });
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(runner.evaluated, 0U);
  EXPECT_TRUE(engine.completion(ids[1]).tokens.empty());
}

TEST(Engine, RefusesWhatCannotBeDone) {
  FakeRunner runner(limits());
  Engine engine(runner, tokenizer());
  EXPECT_THROW(engine.submit(request({})), Error);
  EXPECT_THROW(engine.submit(request(prompt_of(96, 0))), Error);
  EXPECT_THROW(engine.submit(request({kVocab})), Error);
  EXPECT_THROW(engine.submit(request({-1})), Error);
  Request none = request({260});
  none.samples = 0;
  EXPECT_THROW(engine.submit(none), Error);
  EXPECT_THROW(engine.completion(99), Error);
  EXPECT_FALSE(engine.step({}));
  FakeRunner small(limits(2));
  Engine cramped(small, tokenizer());
  EXPECT_THROW(cramped.submit(request(prompt_of(8, 0))), Error);
}

// Prompts that begin alike, some where the cache of another has forgotten what they would need.
TEST(Engine, SlidingWindowsChangeNothing) {
  for (const std::int32_t window : {5, 12, 40}) {
    RunnerLimits room = limits();
    room.window = window;
    FakeRunner runner(room);
    Engine engine(runner, tokenizer());
    std::vector<std::pair<SampleId, Request>> submitted;
    for (std::uint64_t i = 0; i < 12; ++i) {
      Request r = request(prompt_of(30, 3), i, 25);
      for (std::size_t at = 10 + 2 * i; at < r.prompt.size(); ++at) r.prompt[at] = static_cast<Token>(260 + i);
      submitted.emplace_back(engine.submit(r).front(), r);
      for (std::uint64_t step = 0; step < 3 * i; ++step) engine.step({});
    }
    engine.run();
    for (const auto& [id, r] : submitted) EXPECT_EQ(engine.completion(id).tokens, alone(r).front().tokens);
  }
}

TEST(Engine, ReusesAPrefixThatAWindowStillHolds) {
  RunnerLimits room = limits();
  room.window = 12;
  FakeRunner runner(room);
  Engine engine(runner, tokenizer());
  const auto first = engine.submit(request(prompt_of(30, 3), 1, 6)).front();
  engine.run();
  std::vector<Token> longer = prompt_of(30, 3);
  for (const Token token : engine.completion(first).tokens) longer.push_back(token);
  longer.push_back(261);
  const auto second = engine.submit(request(longer, 1, 6)).front();
  engine.run();
  EXPECT_GE(engine.completion(second).reused_tokens, 35) << "what comes behind all of it";
  const auto third = engine.submit(request(prompt_of(20, 3), 1, 6)).front();
  engine.run();
  EXPECT_EQ(engine.completion(third).reused_tokens, 0) << "its window is forgotten";
}

}  // namespace
}  // namespace covey
