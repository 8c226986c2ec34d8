// Constrained requests through the engine.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "covey/error.hpp"
#include "fake_runner.hpp"
#include "grammar_fixtures.hpp"
#include "model/engine.hpp"
#include "model/grammar/constraint_maker.hpp"

namespace covey::grammar {
namespace {

class ConstrainedEngine : public testing::Test {
 protected:
  static Request asking(const std::string& grammar, std::uint64_t seed = 1) {
    Request request;
    request.prompt = {1 + 'x', 1 + '{', 1 + 'y'};  // no part of the text
    request.sampling.grammar = grammar;
    request.sampling.temperature = 1.0F;
    request.sampling.seed = seed;
    request.max_tokens = 60;
    return request;
  }
  Completion complete(const Request& request) {
    const auto id = engine.submit(request).front();
    engine.run();
    return engine.completion(id);
  }

  ListTokenizer tokenizer = byte_vocabulary();
  FakeRunner runner{{.n_vocab = 260, .n_ctx = 96, .max_tokens = 8, .block_tokens = 4, .blocks = 200}};
  Engine engine{runner, tokenizer};
};

TEST_F(ConstrainedEngine, TheTextIsOfTheGrammarAndEndsWithIt) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Completion done = complete(asking("root ::= [a-c]{3} \"-\" [0-9]{2}", seed));
    EXPECT_EQ(done.finish, Finish::end_token);
    EXPECT_EQ(done.tokens.size(), 6U) << "nothing is evaluated to learn that it ends";
    EXPECT_TRUE(Recogniser(gbnf("root ::= [a-c]{3} \"-\" [0-9]{2}")).whole(done.text)) << done.text;
  }
}

TEST_F(ConstrainedEngine, TheModelEndsTheTextOnlyWhereTheGrammarMay) {
  Request request = asking("root ::= (\"ab\" | \"cd\")+");
  request.sampling.logit_bias[0] = 4.0F;  // the end of the text, likely at once
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    request.sampling.seed = seed;
    const Completion done = complete(request);
    EXPECT_EQ(done.finish, Finish::end_token);
    EXPECT_TRUE(Recogniser(gbnf(request.sampling.grammar)).whole(done.text)) << done.text;
  }
  request.ignore_eos = true;
  EXPECT_EQ(complete(request).finish, Finish::max_tokens);
  request.sampling.grammar = "root ::= \"ab\"{1,3}";
  EXPECT_EQ(complete(request).text, "ababab") << "goes on as long as it can";
}

TEST_F(ConstrainedEngine, SamplesAndForksGoTheirOwnWays) {
  Request request = asking("root ::= [a-z]{10} | [0-9]{10}");
  request.samples = 8;
  const auto ids = engine.submit(request);
  for (int i = 0; i < 4; ++i) engine.step({});
  const auto fork = engine.fork(ids[0], 99);
  engine.run();
  std::set<std::string> texts;
  Recogniser recognise(gbnf(request.sampling.grammar));
  for (const auto id : ids) {
    EXPECT_TRUE(recognise.whole(engine.completion(id).text)) << engine.completion(id).text;
    texts.insert(engine.completion(id).text);
  }
  EXPECT_TRUE(recognise.whole(engine.completion(fork).text));
  texts.insert(engine.completion(fork).text);
  EXPECT_GT(texts.size(), 5U);
}

TEST_F(ConstrainedEngine, AnEmptyTextEndsAtOnce) {
  const Completion done = complete(asking("root ::= \"\""));
  EXPECT_EQ(done.finish, Finish::end_token);
  EXPECT_EQ(done.text, "");
  EXPECT_TRUE(done.tokens.empty());
}

TEST_F(ConstrainedEngine, LogProbabilitiesStayTheModels) {
  Request request = asking("root ::= \"q\"");
  const Completion done = complete(request);
  ASSERT_EQ(done.logprobs.size(), 1U);
  EXPECT_LT(done.logprobs[0], -1.0F) << "one of 260 tokens, not the only one";
}

TEST_F(ConstrainedEngine, ASchemaGivesJsonOfIt) {
  Request request = asking("");
  request.sampling.json_schema =
      R"({"properties": {"id": {"type": "integer"}, "tag": {"maxLength": 5}}, "required": ["id", "tag"]})";
  const Completion done = complete(request);
  const auto value = nlohmann::json::parse(done.text, nullptr, false);
  ASSERT_TRUE(value.is_object()) << done.text;
  EXPECT_TRUE(value["id"].is_number_integer());
  EXPECT_TRUE(value["tag"].is_string());
}

TEST_F(ConstrainedEngine, BadOnesAreRefused) {
  const auto message = [&](const Request& request) { return error_text([&] { engine.submit(request); }); };
  EXPECT_NE(message(asking("root ::= x")).find("grammar: line 1"), std::string::npos);
  Request both = asking("root ::= \"x\"");
  both.sampling.json_schema = "true";
  EXPECT_NE(message(both).find("give one of them"), std::string::npos);
  both.sampling.grammar.clear();
  both.sampling.json_schema = R"({"not": 1})";
  EXPECT_NE(message(both).find("JSON schema: #/not"), std::string::npos);
  Request stuck = asking("root ::= \"x\"");
  stuck.sampling.logit_bias[1 + 'x'] = -std::numeric_limits<float>::infinity();
  engine.submit(stuck);
  EXPECT_NE(error_text([&] { engine.run(); }).find("continues the grammar"), std::string::npos);
}

TEST(ConstrainedSampler, DoesNotForgetWhatItWasAskedFor) {
  SamplingParams params;
  params.grammar = "root ::= \"x\"";
  Sampler sampler(params, 257);
  const std::vector<float> logits(257, 0.0F);
  EXPECT_NE(error_text([&] { sampler.sample(logits); }).find("not put to use"), std::string::npos);
  const ListTokenizer tokenizer = byte_vocabulary();
  ConstraintMaker maker(tokenizer);
  sampler.constrain(*maker.make(params, true));
  EXPECT_EQ(sampler.sample(logits).chosen.token, 1 + 'x');
  EXPECT_FALSE(maker.make(SamplingParams{}, true));
}

TEST(ConstrainedSampler, GrammarsUsedLastAreKept) {
  const ListTokenizer tokenizer = byte_vocabulary();
  ConstraintMaker maker(tokenizer);
  SamplingParams params;
  for (int i = 0; i < 12; ++i) {
    params.grammar = "root ::= \"" + std::to_string(i % 6) + "\"";
    EXPECT_TRUE(maker.make(params, true)->allows(1 + '0' + i % 6));
    EXPECT_FALSE(maker.make(params, true)->allows(1 + 'x'));
  }
}

}  // namespace
}  // namespace covey::grammar
