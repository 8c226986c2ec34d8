#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

std::string eval_questions() {
  const std::string path = scratch("questions.jsonl");
  std::ofstream out(path);
  for (int i = 0; i < 5; ++i)
    out << "{\"question\": \"What is " << i << "+1?\", \"answer\": \"#### " << i + 1 << "\"}\n";
  return path;
}

std::vector<std::string> eval_on(const std::string& file, std::vector<std::string> more) {
  more.insert(more.begin(), {"eval", "-m", test_data("llama-q4_0.gguf"), file, "-n", "8", "-q", "-t", "1"});
  return more;
}

std::string text_of_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Eval, CountsWhatIsRightAndKeepsRecords) {
  const std::string records = scratch("records.jsonl");
  const auto command = eval_on(eval_questions(), {"--mode", "vote", "--proposals", "3", "--temp", "1.5", "--records",
                                                  records, "--json", "--together", "2"});
  const Finished ended = covey_run(command);
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.err;
  EXPECT_EQ(json["accuracy"]["count"], 5);
  EXPECT_EQ(json["vote"]["successes"], json["accuracy"]["successes"]) << "that is what the mode does";
  EXPECT_GE(json["oracle"]["successes"], json["accuracy"]["successes"]);
  EXPECT_LT(json["accuracy"]["low"].get<double>(), json["accuracy"]["high"].get<double>());
  const std::string whole = text_of_file(records);
  EXPECT_EQ(count_of(whole, "\n"), 6) << "settings and five answers";
  // A run that was cut in the middle of a line goes on there.
  std::filesystem::resize_file(records, whole.find("\"index\":3") + 20);
  EXPECT_NE(covey_run(command).err.find("--resume"), std::string::npos) << "not by itself";
  std::vector<std::string> resume = command;
  resume.emplace_back("--resume");
  const auto resumed = parsed(covey_run(resume).out);
  ASSERT_TRUE(resumed.is_object());
  EXPECT_EQ(resumed["accuracy"], json["accuracy"]);
  EXPECT_EQ(count_of(text_of_file(records), "\n"), 6);
  resume.insert(resume.end(), {"--seed", "5"});
  EXPECT_NE(covey_run(resume).err.find("other settings"), std::string::npos);
}

TEST(Eval, ChoosesByLetterOrLikelihood) {
  const std::string test = scratch("astronomy_test.csv");
  std::ofstream(test) << "Which?,red,green,blue,grey,B\nWhere?,here,there,up,down,D\n";
  std::filesystem::create_directories(scratch("dev"));
  std::ofstream(scratch("dev/astronomy_dev.csv")) << "Who?,a,b,c,d,A\n";
  for (const std::string way : {"letter", "letter-likelihood", "text-likelihood"}) {
    const Finished ended = covey_run(
        eval_on(test, {"--choice-by", way, "--greedy", "--examples", scratch("dev"), "--shots", "1", "--json"}));
    const auto json = parsed(ended.out);
    ASSERT_TRUE(json.is_object()) << ended.err;
    EXPECT_EQ(json["accuracy"]["count"], 2) << way;
    if (way == "letter") continue;
    EXPECT_EQ(json["unanswered"], 0) << way;
  }
  const Finished many = covey_run(eval_on(test, {"--examples", scratch("dev"), "--shots", "2"}));
  EXPECT_NE(many.err.find("--shots: 2 examples are wanted"), std::string::npos) << many.err;
}

TEST(Eval, NamesTheQuestionThatDoesNotFit) {
  const Finished ended = covey_run(eval_on(eval_questions(), {"-c", "8", "--together", "1"}));
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find("questions.jsonl:1: the prompt has"), std::string::npos) << ended.err;
}

TEST(Eval, PrintsATable) {
  const Finished ended = covey_run(
      eval_on(eval_questions(), {"--greedy", "--limit", "2", "--chat", "--chat-template", "chatml", "-c", "512"}));
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("95 % interval"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("questions  "), std::string::npos) << ended.out;
}

#ifdef COVEY_WITH_MPI
TEST(MpiEval, ComesToTheSameOnAnyNumberOfRanks) {
  for (const std::string mode : {"single", "self-moa-seq", "pipeline"}) {
    const auto command = eval_on(eval_questions(), {"--mode", mode, "--proposals", "3", "--temp", "1.5", "-c", "1024",
                                                    "--proposal-tokens", "6", "--records"});
    std::vector<std::string> alone = command;
    alone.push_back(scratch(mode + "1.jsonl"));
    std::vector<std::string> together = command;
    together.push_back(scratch(mode + "2.jsonl"));
    const Finished one = covey_run(alone);
    ASSERT_EQ(one.code, 0) << one.err;
    const Finished two = mpirun(2, together);
    ASSERT_EQ(two.code, 0) << two.err;
    std::istringstream left(text_of_file(scratch(mode + "1.jsonl")));
    std::istringstream right(text_of_file(scratch(mode + "2.jsonl")));
    for (std::string a, b; std::getline(left, a) && std::getline(right, b);) {
      EXPECT_EQ(parsed(a).value("text", ""), parsed(b).value("text", "")) << mode;
    }
  }
}
#endif

}  // namespace
}  // namespace covey
