#include "mpi/eval_marks.hpp"

#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

std::string extracted(const std::string& rule, const std::string& text) { return AnswerRule(rule).extract(text); }

TEST(AnswerRule, TakesWhatItSays) {
  EXPECT_EQ(extracted("", "2+3=5. #### 5\nmore"), "5");
  EXPECT_EQ(extracted("auto", "so there are 1,234 of 7 in -8.50 parts."), "-8.5");
  EXPECT_EQ(extracted("auto", " Paris. "), "paris");
  EXPECT_EQ(extracted("####", "no mark"), "");
  EXPECT_EQ(extracted("####", "#### 3\n#### $ 4,000.00"), "4000");
  EXPECT_EQ(extracted("number", "3.5 or .5"), "0.5");
  EXPECT_EQ(extracted("number", "none"), "");
  EXPECT_EQ(extracted("letter", "A man. The answer is (C)."), "c");
  EXPECT_EQ(extracted("letter", "ABBA"), "");
  EXPECT_EQ(extracted("text", " Some  Text "), "some  text");
  EXPECT_EQ(extracted("json:answer", "so {\"answer\": 12.50} it is"), "12.5");
  EXPECT_EQ(extracted("json:a.b", "{x} {\"a\": {\"b\": \"}\"}}"), "}");
  EXPECT_EQ(extracted("json:answer", "{\"answer\""), "");
  if (!Regex::available()) return;
  EXPECT_EQ(extracted("regex:is (\\w+)", "it is one, it is Two"), "two");
  EXPECT_EQ(extracted("regex:\\d+", "7 8"), "8");
  EXPECT_EQ(extracted("regex:x", "\xFF"), "");
}

TEST(AnswerRule, UnknownOnesAreRefused) {
  EXPECT_TRUE(contains(error_of([] { AnswerRule("best"); }), "--extract: there is no rule 'best'"));
  if (Regex::available()) {
    EXPECT_TRUE(contains(error_of([] { AnswerRule("regex:("); }), "regular expression"));
  }
}

TEST(NormalAnswer, WritesEqualAnswersEqually) {
  for (const char* same :
       {"1234.5", "1,234.50", "$1,234.5", " 1234.500 ", "+1234.5", "1234.5%", "01234.5", "1234.5."}) {
    EXPECT_EQ(normal_answer(same), "1234.5") << same;
  }
  EXPECT_EQ(normal_answer("-$5"), "-5");
  EXPECT_EQ(normal_answer("-0.0"), "0");
  EXPECT_EQ(normal_answer("12,5,"), "12,5,");
  EXPECT_EQ(normal_answer("Yes."), "yes");
}

TEST(MostFrequent, OfEqualsTheFirst) {
  EXPECT_EQ(most_frequent_answer({"", "", "2", "1", "1", "2"}), "2");
  EXPECT_EQ(most_frequent_answer({"", ""}), "");
}

TEST(Share, WilsonsIntervals) {
  const Share some{81, 263};  // values published with the method's descriptions
  EXPECT_NEAR(some.low(), 0.2553, 5e-5);
  EXPECT_NEAR(some.high(), 0.3662, 5e-5);
  EXPECT_EQ((Share{0, 10}).low(), 0.0);
  EXPECT_NEAR((Share{0, 10}).high(), 0.2775, 5e-5);
  EXPECT_EQ((Share{0, 0}).high(), 1.0);
}

TEST(EvalMark, CountsAnswerProposalsAndVote) {
  EvalItem item;
  item.answer = "7";
  Answer answer;
  answer.completion.text = "#### 8";
  for (const char* text : {"#### 7", "#### 8", "#### 7.0", "#### 9"}) {
    answer.proposals.emplace_back().text = text;
  }
  answer.proposals.back().use = Use::late;
  const EvalMark mark = mark_answer(item, answer, AnswerRule(""));
  EXPECT_EQ(mark.got, "8");
  EXPECT_FALSE(mark.correct);
  EXPECT_EQ(mark.proposals, 3);
  EXPECT_EQ(mark.correct_proposals, 2);
  EXPECT_TRUE(mark.vote_correct);
}

}  // namespace
}  // namespace covey
