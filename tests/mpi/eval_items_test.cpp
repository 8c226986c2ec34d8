#include "mpi/eval_items.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "mpi/csv.hpp"
#include "mpi/eval_prompt.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

using Cells = std::vector<std::string>;

TEST(Csv, ReadsQuotesAndLinesInside) {
  const auto rows = parse_csv("a,\"b \"\"c\"\"\",\r\n\n\"two\nlines\",d\n,", "t.csv");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].cells, (Cells{"a", "b \"c\"", ""}));
  EXPECT_EQ(rows[1].cells, (Cells{"two\nlines", "d"}));
  EXPECT_EQ(rows[1].line, 3);
  EXPECT_EQ(rows[2].cells, (Cells{"", ""}));
  EXPECT_EQ(rows[2].line, 5);
}

TEST(Csv, NamesTheLineOfAQuoteThatIsWrong) {
  EXPECT_EQ(error_of([] { parse_csv("a\n\"b", "t.csv"); }), "t.csv:2: a quote that is not closed");
  EXPECT_EQ(error_of([] { parse_csv("\"b\"c", "t.csv"); }), "t.csv:1: text behind a closing quote");
}

TEST(EvalItems, ReadsJsonLines) {
  const auto items = parse_eval_items(
      "{\"question\": \"2+2?\", \"answer\": \"2+2=4. #### 1,004\"}\n\n"
      "{\"question\": \"Where?\", \"choices\": [\"Rome\", \"Oslo\"], \"answer\": \"Oslo\", \"id\": \"q2\"}\n"
      "{\"question\": \"Who?\", \"choices\": [\"I\", \"you\"], \"answer\": 0}\n"
      "{\"question\": \"How many?\", \"answer\": 7}\n",
      "some/test.jsonl");
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0].answer, "1004");
  EXPECT_EQ(items[0].id, "some/test.jsonl:1");
  EXPECT_EQ(items[0].subject, "test");
  EXPECT_EQ(items[1].answer, "B");
  EXPECT_EQ(items[1].id, "q2");
  EXPECT_EQ(items[2].answer, "A");
  EXPECT_EQ(items[2].id, "some/test.jsonl:4");
  EXPECT_EQ(items[3].answer, "7");
}

TEST(EvalItems, ReadsCsvWithAndWithoutHeading) {
  const auto plain = parse_eval_items("\"Why, then?\",a,b,c,d,C\n", "physics_test.csv");
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(plain[0].question, "Why, then?");
  EXPECT_EQ(plain[0].answer, "C");
  EXPECT_EQ(plain[0].kind, EvalKind::choice);
  const auto headed = parse_eval_items("\xEF\xBB\xBF,Question,A,B,C,Answer\n0,Why?,x,y,z,b\n", "physics.csv");
  ASSERT_EQ(headed.size(), 1U);
  EXPECT_EQ(headed[0].choices, (Cells{"x", "y", "z"}));
  EXPECT_EQ(headed[0].answer, "B");
}

TEST(EvalItems, SaysWhatIsWrongAndWhere) {
  const std::vector<std::array<std::string, 3>> wrong = {
      {"t.txt", "x", "t.txt: questions come as JSON lines"},
      {"t.jsonl", "", "t.jsonl: there are no questions"},
      {"t.jsonl", "\n[1]", "t.jsonl:2: a line must be an object"},
      {"t.jsonl", "{\"question\": \"q\"", "t.jsonl:1"},
      {"t.jsonl", "{\"answer\": \"1\"}", "\"question\" is missing"},
      {"t.jsonl", "{\"question\": \"q\"}", "\"answer\" is missing"},
      {"t.jsonl", "{\"question\": \" \", \"answer\": \"1\"}", "the question is empty"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": \"#### \"}", "the answer is empty"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": [1]}", "\"answer\" must be a text or a whole number"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": \"C\", \"choices\": [\"a\", \"b\"]}", "is none of the choices"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": 2, \"choices\": [\"a\", \"b\"]}", "an index from 0"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": \"A\", \"choices\": [\"a\"]}", "1 choices"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": \"A\", \"choices\": [1]}", "a list of texts"},
      {"t.jsonl", "{\"question\": \"q\", \"answer\": \"A\", \"kind\": \"essay\"}", "\"kind\" must be"},
      {"t.csv", "q,a,b,c,d\n", "t.csv:1: 5 columns"},
      {"t.csv", "q,a,b,c,d,E\n", "t.csv:1: the answer 'E' is none of the choices"}};
  for (const auto& [name, text, message] : wrong) {
    EXPECT_TRUE(contains(error_of([&name = name, &text = text] { parse_eval_items(text, name); }), message)) << text;
  }
}

TEST(EvalItems, ReadsPublishedFiles) {
  const std::filesystem::path folder = std::filesystem::path(COVEY_REFERENCE_DIR) / "data";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const auto read = [](const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return parse_eval_items(text.str(), path.string());
  };
  const auto problems = read(folder / "gsm8k/test.jsonl");
  EXPECT_EQ(problems.size(), 1319U);
  EXPECT_EQ(problems[0].answer, "18");
  for (const auto& file : std::filesystem::directory_iterator(folder / "cmmlu/test")) {
    EXPECT_GT(read(file.path()).size(), 90U) << file.path();
  }
}

TEST(EvalPrompt, ShowsExamplesChoicesAndTheQuestion) {
  EvalItem shot;
  shot.kind = EvalKind::choice;
  shot.question = "One?";
  shot.choices = {"a", "b"};
  shot.worked = "B";
  EvalItem item = shot;
  item.question = "Two?";
  const EvalPrompt prompt("");
  EXPECT_EQ(prompt.render(item, {&shot, 1}, false),
            "Question: One?\nA. a\nB. b\nAnswer: B\n\nQuestion: Two?\nA. a\nB. b\nAnswer:");
  EXPECT_TRUE(prompt.render(item, {}, true).starts_with("Choose the right answer."));
  item.choices.clear();
  EXPECT_EQ(prompt.render(item, {}, false), "Question: Two?\nAnswer:");
  EXPECT_TRUE(contains(prompt.render(item, {}, true), "#### and the result alone.\n\nQuestion: Two?\n"));
  EXPECT_EQ(EvalPrompt("{{ subject }}: {{ question }}").render(item, {}, false), ": Two?");
}

}  // namespace
}  // namespace covey
