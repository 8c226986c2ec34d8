#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

TEST(Table, ComparesSavedRuns) {
  const std::string a = scratch("a.json");
  ASSERT_EQ(covey_run({"run", "-m", test_data("llama.gguf"), "-p", "x", "-n", "5", "--ignore-eos", "--save", a}).code,
            0);
  const Finished text = covey_run({"table", a, a});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(count_of(text.out, "\n"), 3);
  EXPECT_EQ(count_of(text.out, "\nsolo "), 2);
  for (const char* part : {"tokens/s", "TTFT", "ITL", "messages", "bytes sent", "memory"})
    EXPECT_NE(text.out.find(part), std::string::npos) << part;
  const Finished markdown = covey_run({"table", "--markdown", a, a});
  EXPECT_EQ(count_of(markdown.out, "\n|"), 3);
  EXPECT_NE(markdown.out.find("|-"), std::string::npos);
}

TEST(Table, ComparesEvaluations) {
  std::ofstream(scratch("one.jsonl")) << R"({"question": "What is 1+1?", "answer": "#### 2"})" << '\n';
  const Finished ended =
      covey_run({"eval", "-m", test_data("llama.gguf"), scratch("one.jsonl"), "-n", "4", "-q", "-t", "1", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  std::ofstream(scratch("small model.json")) << ended.out;
  const Finished text = covey_run({"table", scratch("small model.json")});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(count_of(text.out, "\nsmall model "), 1);
  for (const char* part : {"right %", "95 % interval", "0.0 - 79.3", "TTFT", "time/answer", "bytes/answer", "memory"})
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " in " << text.out;
  std::ofstream(scratch("run.json")) << R"({"mode": "solo", "summary": {"ranks": 1}})";
  EXPECT_NE(covey_run({"table", scratch("run.json"), scratch("small model.json")}).err.find("a table of each"),
            std::string::npos);
}

TEST(Table, NamesTheFileThatIsNoRun) {
  std::ofstream(scratch("broken.json")) << "{";
  std::ofstream(scratch("other.json")) << R"({"summary": 3})";
  std::ofstream(scratch("partial.json")) << R"({"mode": "solo", "summary": {"ranks": 1}})";
  std::ofstream(scratch("odd.json")) << R"({"mode": "solo", "summary": {"ranks": -1}})";
  for (const std::string name : {"broken.json", "other.json", "partial.json", "odd.json", "absent.json"}) {
    const Finished ended = covey_run({"table", scratch(name)});
    EXPECT_EQ(ended.code, 1) << name;
    EXPECT_EQ(ended.out, "") << name;
    EXPECT_NE(ended.err.find(name), std::string::npos) << ended.err;
  }
}

}  // namespace
}  // namespace covey
