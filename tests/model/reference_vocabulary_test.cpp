// Real vocabularies against expected ids; they are not part of the project, so these tests skip without them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/regex.hpp"
#include "model/tokenizer.hpp"

namespace covey {
namespace {

const std::string kReference = COVEY_REFERENCE_DIR;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Texts, each ended by a line of its own.
std::vector<std::string> read_texts(const std::string& path) {
  const std::string end = "\n__ggml_vocab_test__\n";
  const std::string all = read(path);
  std::vector<std::string> texts;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t at = all.find(end, begin);
    if (at == std::string::npos) break;
    texts.push_back(all.substr(begin, at - begin));
    begin = at + end.size();
  }
  return texts;
}

std::vector<std::vector<Token>> read_ids(const std::string& path) {
  std::istringstream lines(read(path));
  std::vector<std::vector<Token>> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    all.emplace_back(std::istream_iterator<Token>(numbers), std::istream_iterator<Token>());
  }
  return all;
}

class ReferenceVocabulary : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceVocabulary, every_text_gives_the_expected_ids) {
  const std::string base = kReference + "/vocab/" + GetParam();
  if (!std::filesystem::exists(base + ".gguf")) GTEST_SKIP() << base << ".gguf is not here";
  const GgufFile file = GgufFile::open(base + ".gguf");
  if (*file.string("tokenizer.ggml.model") == "gpt2" && !Regex::available()) GTEST_SKIP() << "built without PCRE2";
  const auto tokenizer = Tokenizer::from_gguf(file);
  const std::vector<std::string> texts = read_texts(base + ".inp");
  const std::vector<std::vector<Token>> expected = read_ids(base + ".out");
  ASSERT_FALSE(texts.empty());
  ASSERT_EQ(texts.size(), expected.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer->encode(texts[i], {.bos = false}), expected[i]) << "text " << i << ": " << texts[i];
    EXPECT_EQ(tokenizer->decode(expected[i], false), texts[i]) << "text " << i;
  }
}

std::string name_of(const testing::TestParamInfo<const char*>& vocabulary) {
  std::string name = vocabulary.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Spm, ReferenceVocabulary, testing::Values("llama-spm", "phi-3"), name_of);
INSTANTIATE_TEST_SUITE_P(Bpe, ReferenceVocabulary,
                         testing::Values("gpt-2", "falcon", "deepseek-llm", "deepseek-coder", "starcoder", "refact",
                                         "mpt", "llama-bpe", "qwen2"),
                         name_of);

TEST(RealVocabulary, special_tokens_of_phi_3) {
  const std::string path = kReference + "/vocab/phi-3.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto tokenizer = Tokenizer::from_gguf(GgufFile::open(path));
  const std::vector<Token> chat =
      tokenizer->encode("<|user|>Hello<|end|><|assistant|>", {.bos = true, .special = true});
  EXPECT_EQ(chat, (std::vector<Token>{1, 32010, 15043, 32007, 32001}));
  EXPECT_EQ(tokenizer->encode("</s>", {.bos = false}), std::vector<Token>{2}) << "user-defined there";
  EXPECT_TRUE(tokenizer->ends_text(32000));
  EXPECT_TRUE(tokenizer->ends_text(32007));
}

TEST(RealVocabulary, prompts_and_continuations_of_a_real_model) {
  const std::string path = kReference + "/models/stories260K.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto tokenizer = Tokenizer::from_gguf(GgufFile::open(path));
  const auto golden = nlohmann::json::parse(read(kReference + "/golden/stories260K.json"));
  ASSERT_FALSE(golden["greedy"].empty());
  for (const auto& entry : golden["greedy"]) {
    const std::string prompt = entry["prompt"];
    EXPECT_EQ(tokenizer->encode(prompt, {}), entry["prompt_tokens"].get<std::vector<Token>>());
    Detokenizer detokenizer(*tokenizer, false);
    std::string text;
    for (const Token token : entry["greedy_tokens"]) text += detokenizer.push(token);
    EXPECT_EQ(text + detokenizer.finish(), entry["text"].get<std::string>());
  }
}

}  // namespace
}  // namespace covey
