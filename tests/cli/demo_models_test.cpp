// The models of models/: what they answer, alone and together.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

std::string demo_file(const std::string& name) { return std::string(COVEY_SOURCE_DIR "/models/").append(name); }

/// `covey eval` on the first questions of the test set, with the models' own prompts.
std::vector<std::string> demo_eval(const std::string& size, int questions, std::vector<std::string> more) {
  more.insert(more.begin(), {"eval",
                             demo_file("test.jsonl"),
                             "-m",
                             demo_file("covey-" + size + ".gguf"),
                             "--limit",
                             std::to_string(questions),
                             "--together",
                             "32",
                             "--chat",
                             "-n",
                             "96",
                             "--proposal-tokens",
                             "96",
                             "--question-template",
                             demo_file("question.jinja"),
                             "--prompt-template",
                             demo_file("aggregation.jinja"),
                             "-q",
                             "-t",
                             "1",
                             "--json"});
  return more;
}

double right_share(const Finished& ended) {
  const auto json = parsed(ended.out);
  EXPECT_TRUE(json.is_object()) << ended.err;
  return json.is_object() ? json["accuracy"]["value"].get<double>() : -1;
}

TEST(DemoModels, AnswerAsRecorded) {
  std::ifstream lines(demo_file("answers.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto recorded = parsed(line);
    ASSERT_TRUE(recorded.is_object()) << line;
    const Finished ended = covey_run({"run", "-m", demo_file(recorded["model"]), "--chat", "-p", recorded["question"],
                                      "--greedy", "-n", "96", "-q", "-t", "1"});
    EXPECT_EQ(ended.out, recorded["text"].get<std::string>() + "\n") << recorded["model"] << ended.err;
  }
  EXPECT_EQ(count, 3);
}

TEST(DemoModels, LargerOnesAreRightMoreOften) {
  // Of 64 questions, far from what docs/demo_models.md has for 500: instruction sets round otherwise.
  const double small = right_share(covey_run(demo_eval("s", 64, {"--greedy"})));
  const double middle = right_share(covey_run(demo_eval("m", 64, {"--greedy"})));
  const double large = right_share(covey_run(demo_eval("l", 64, {"--greedy"})));
  EXPECT_GT(small, 0.25);
  EXPECT_LT(small, 0.75);
  EXPECT_GT(middle, 0.65);
  EXPECT_GT(large, 0.8);
}

#ifdef COVEY_WITH_MPI
TEST(DemoModels, SmallOnesAggregate) {
  const Finished together = mpirun(3, demo_eval("s", 96, {"--mode", "self-moa", "--temp", "0.8", "--proposals", "6"}));
  const auto json = parsed(together.out);
  ASSERT_TRUE(json.is_object()) << together.err;
  EXPECT_GT(json["accuracy"]["value"], json["proposals"]["value"]) << "better than one sample";
  EXPECT_GE(json["oracle"]["value"], json["vote"]["value"]);
}

TEST(DemoModels, ASplitOneIsRightAsOften) {
  // In F32: behind int8 activations a sum that is rounded otherwise may change a text in some hundred.
  const double alone = right_share(covey_run(demo_eval("l", 32, {"--greedy", "--exact"})));
  EXPECT_EQ(right_share(mpirun(4, demo_eval("l", 32, {"--greedy", "--exact", "--mode", "pipeline"}))), alone);
  EXPECT_EQ(right_share(mpirun(4, demo_eval("l", 32, {"--greedy", "--exact", "--mode", "tensor"}))), alone);
}
#endif

}  // namespace
}  // namespace covey
