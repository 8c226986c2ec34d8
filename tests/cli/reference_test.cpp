// A trained model and real vocabularies, which are not part of this repository: skipped where they are absent.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "model/regex.hpp"
#include "tests/cli/program.hpp"

namespace covey {
namespace {

std::string reference(const std::string& name) { return std::string(COVEY_REFERENCE_DIR) + "/" + name; }

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class Stories : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(model_)) GTEST_SKIP() << model_ << " is absent";
    golden_ = parsed(contents(reference("golden/stories260K.json")));
  }

  std::vector<std::string> greedy(const nlohmann::json& story) const {
    return {"run",      "-m",    model_, "-p", story["prompt"], "-n", std::to_string(story["greedy_tokens"].size()),
            "--greedy", "--json"};
  }

  std::string model_ = reference("models/stories260K.gguf");
  nlohmann::json golden_;
};

TEST_F(Stories, AreToldAsTheReferenceTellsThem) {
  for (const auto& story : golden_["greedy"]) {
    const auto run = parsed(covey_run(greedy(story)).out);
    EXPECT_EQ(run["tokens"], story["greedy_tokens"]);
    EXPECT_EQ(run["text"], story["text"]);
    EXPECT_EQ(run["prompt_tokens"], story["prompt_tokens"].size());
  }
}

TEST_F(Stories, PerplexityIsTheReferences) {
  const auto& expected = golden_["perplexity"];
  const std::string chunk = std::to_string(expected["n_ctx"].get<int>());
  const auto result =
      parsed(covey_run({"perplexity", "-m", model_, "-f", reference(expected["text"]), "-c", chunk, "--json"}).out);
  ASSERT_TRUE(result.is_object());
  EXPECT_NEAR(result["perplexity"].get<double>(), expected["value"].get<double>(),
              0.002 * expected["value"].get<double>());
  EXPECT_EQ(result["chunks"], expected["chunks"]);
}

#ifdef COVEY_WITH_MPI
TEST_F(Stories, AreTheSameOverRanks) {
  const std::vector<std::vector<std::string>> ways = {
      {"2", "pipeline", "1,1"}, {"3", "pipeline", "1,1,1"}, {"5", "pipeline", "1,1,1,1,1"}, {"2", "tensor", "1,1"},
      {"3", "tensor", "1,1,1"}, {"4", "tensor", "1,1,1,1"}, {"3", "tensor", "2,1,1"}};
  const auto& story = golden_["greedy"][0];
  for (const auto& way : ways) {
    // Of many ranks, which share these cores and wait for each other, how the story begins.
    const std::size_t tokens = way[0] == "2" ? story["greedy_tokens"].size() : 48;
    std::vector<std::string> command = greedy(story);
    *(std::ranges::find(command, "-n") + 1) = std::to_string(tokens);
    command.insert(command.end(), {"--mode", way[1], "--shares", way[2]});
    const Finished ended = mpirun(std::stoi(way[0]), command);
    const auto run = parsed(ended.out);
    ASSERT_TRUE(run.is_object()) << way[1] << " on " << way[0] << ended.err;
    const nlohmann::json expected(story["greedy_tokens"].begin(), story["greedy_tokens"].begin() + tokens);
    EXPECT_EQ(run["tokens"], expected) << way[1] << " on " << way[0];
  }
}

TEST_F(Stories, PipelineLogitsAreSoloBitForBit) {
  std::string tokens = "1";
  for (int token = 260; token < 300; ++token) tokens.append(",").append(std::to_string(token));
  const std::vector<std::string> command = {"logits", "-m", model_, "--tokens", tokens, "--mode"};
  const auto way = [&](const std::string& mode) {
    std::vector<std::string> whole = command;
    whole.push_back(mode);
    return whole;
  };
  const Finished alone = covey_run(way("solo"));
  ASSERT_EQ(alone.code, 0) << alone.err;
  for (const int ranks : {2, 3, 5}) EXPECT_EQ(mpirun(ranks, way("pipeline")).out, alone.out) << ranks << " ranks";
}
#endif

TEST(Vocabularies, TextsAreCutAsTheReferenceCutsThem) {
  int found = 0;
  std::vector<std::string> names = {"llama-spm", "phi-3"};
  if (Regex::available()) names.insert(names.end(), {"llama-bpe", "qwen2", "gpt-2"});
  for (const std::string& name : names) {
    const std::string path = reference("vocab/" + name);
    if (!std::filesystem::exists(path + ".gguf")) continue;
    ++found;
    const Finished cut = covey_run({"tokenize", "-m", path + ".gguf", "--no-bos", "--no-special", "--file",
                                    path + ".inp", "--separator", "__ggml_vocab_test__"});
    ASSERT_EQ(cut.code, 0) << cut.err;
    std::istringstream lines(cut.out), expected(contents(path + ".out"));
    int number = 0;
    for (std::string line, ids; std::getline(expected, ids); ++number) {
      ASSERT_TRUE(std::getline(lines, line)) << name << " ends at text " << number;
      ids.erase(0, ids.find_first_not_of(' '));
      EXPECT_EQ(line, ids) << name << ", text " << number;
    }
    std::string more;
    EXPECT_FALSE(std::getline(lines, more)) << name << ": " << more;
  }
  if (found == 0) GTEST_SKIP() << "no vocabularies in " << reference("vocab");
}

}  // namespace
}  // namespace covey
