#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

nlohmann::json golden(const std::string& model) {
  return nlohmann::json::parse(std::ifstream(test_data(model + ".json")));
}

std::string list(const nlohmann::json& tokens) {
  std::string text;
  for (const auto& token : tokens) text += (text.empty() ? "" : ",") + std::to_string(token.get<int>());
  return text;
}

Finished logits(const std::string& model, const std::string& tokens, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"logits", "-m", test_data(model + ".gguf"), "--tokens", tokens});
  return covey_run(more);
}

TEST(Logits, OfEveryPositionAsTheReferenceHasThem) {
  const auto reference = golden("llama");
  const std::string tokens = list(reference["tokens"]);
  for (const std::string batch : {"1", "7", "256"}) {
    const auto result = parsed(logits("llama", tokens, {"--json", "--batch", batch}).out);
    ASSERT_TRUE(result.is_object());
    EXPECT_EQ(result["tokens"], reference["tokens"]);
    ASSERT_EQ(result["logits"].size(), reference["tokens"].size());
    const auto& last = result["logits"].back();
    const auto& expected = reference["last_logits"];
    ASSERT_EQ(last.size(), expected.size());
    EXPECT_EQ(result["n_vocab"], expected.size());
    double largest = 0;
    double difference = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i].get<double>()));
      difference = std::max(difference, std::abs(expected[i].get<double>() - last[i].get<double>()));
    }
    EXPECT_LE(difference, 1e-4 * largest) << "batch " << batch;
    for (std::size_t t = 0; t < reference["top5"].size(); ++t) {
      const auto& best = reference["top5"][t][0];
      EXPECT_NEAR(result["logits"][t][best[0].get<std::size_t>()].get<double>(), best[1].get<double>(), 1e-4 * largest);
    }
  }
}

TEST(Logits, ExactComputesOnDecodedWeights) {
  const auto reference = golden("llama-q4_0");
  const auto result = parsed(logits("llama-q4_0", list(reference["tokens"]), {"--json", "--exact", "--kv", "f32"}).out);
  ASSERT_TRUE(result.is_object());
  const auto& expected = reference["exact_last_logits"];
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i].get<double>()));
    difference = std::max(difference, std::abs(expected[i].get<double>() - result["logits"].back()[i].get<double>()));
  }
  EXPECT_LE(difference, 1e-4 * largest);
}

TEST(Logits, AsPlainRowsOfTheSameNumbers) {
  const Finished plain = logits("llama", "1,5,9");
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(count_of(plain.out, "\n"), 3);
  const auto json = parsed(logits("llama", "1,5,9", {"--json"}).out);
  std::istringstream rows(plain.out);
  for (const auto& row : json["logits"]) {
    for (const auto& value : row) {
      double number = 0;
      rows >> number;
      ASSERT_EQ(number, value.get<double>());
    }
  }
}

TEST(Logits, RefusesTokensItCannotEvaluate) {
  const Finished outside = logits("llama", "1,100000");
  EXPECT_EQ(outside.code, 1);
  EXPECT_NE(outside.err.find("100000"), std::string::npos) << outside.err;
  const Finished over = logits("llama", "1,2,3,4,5", {"--ctx", "4"});
  EXPECT_EQ(over.code, 1);
  EXPECT_NE(over.err.find("5 tokens"), std::string::npos) << over.err;
  EXPECT_NE(over.err.find("4"), std::string::npos) << over.err;
  const Finished moa = logits("llama", "1,2", {"--mode", "self-moa"});
  EXPECT_EQ(moa.code, 1);
  EXPECT_NE(moa.err.find("self-moa"), std::string::npos) << moa.err;
}

}  // namespace
}  // namespace covey
