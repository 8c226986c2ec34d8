#include "model/log_likelihood.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "tests/error_of.hpp"
#include "tests/test_data.hpp"

namespace covey {
namespace {

double from_all_logits(Runner& runner, std::vector<Token> tokens, std::size_t prompt) {
  const std::vector<float> logits = all_logits(runner, tokens);
  const auto n_vocab = static_cast<std::size_t>(runner.limits().n_vocab);
  double sum = 0;
  for (std::size_t i = prompt; i < tokens.size(); ++i) {
    const float* row = logits.data() + (i - 1) * n_vocab;
    double all = 0;
    for (std::size_t t = 0; t < n_vocab; ++t) all += std::exp(static_cast<double>(row[t]));
    sum += row[static_cast<std::size_t>(tokens[i])] - std::log(all);
  }
  return sum;
}

TEST(LogLikelihood, IsThatOfTheTextsAsAWhole) {
  const GgufFile file = GgufFile::open(data_file("llama"));
  StageOptions options;
  options.cpu.threads = 1;
  options.n_ctx = 64;
  options.max_tokens = 4;  // so that prompt and continuation come in pieces
  Stage stage(file, options);
  LocalRunner runner(stage);
  const std::vector<Token> prompt{1, 290, 291, 292, 19, 293};
  const std::vector<std::vector<Token>> continuations{{5}, {7, 8}, {9, 10, 11, 12, 13, 14, 15}};
  const std::vector<double> scores = log_likelihoods(runner, prompt, continuations);
  ASSERT_EQ(scores.size(), 3U);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    std::vector<Token> whole = prompt;
    whole.insert(whole.end(), continuations[i].begin(), continuations[i].end());
    EXPECT_NEAR(scores[i], from_all_logits(runner, whole, prompt.size()), 1e-3) << i;
  }
  const std::vector<std::vector<Token>> none{{}};
  EXPECT_NE(error_of([&] { log_likelihoods(runner, prompt, none); }).find("without tokens"), std::string::npos);
  const std::vector<std::vector<Token>> endless{std::vector<Token>(60, 3)};
  EXPECT_NE(error_of([&] { log_likelihoods(runner, prompt, endless); }).find("context of 64"), std::string::npos);
}

}  // namespace
}  // namespace covey
