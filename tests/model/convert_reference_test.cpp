// Real vocabularies, spelled as a tokenizer.json would have them, and converted back: the same tokens.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <unordered_set>

#include "model/regex.hpp"
#include "model/tokenizer.hpp"
#include "tests/model/made_tokenizer_files.hpp"

namespace covey {
namespace {

const std::vector<std::string>& texts_of(const GgufFile& file) { return *file.strings("tokenizer.ggml.tokens"); }

PlainJson published_tokens(const GgufFile& file) {
  PlainJson json = {{"model", {{"type", "BPE"}, {"vocab", PlainJson::object()}}}, {"added_tokens", PlainJson::array()}};
  const auto kinds = *file.integers("tokenizer.ggml.token_type");
  std::vector<std::pair<std::string, std::size_t>> vocabulary;
  for (std::size_t id = 0; id < texts_of(file).size(); ++id) {
    const std::string& text = texts_of(file)[id];
    if (text.starts_with("[PAD")) continue;  // of the embedding, not of the vocabulary
    if (kinds[id] == 2) json["model"]["unk_token"] = text;
    if (kinds[id] == 3 || kinds[id] == 4) {
      json["added_tokens"].push_back({{"id", id}, {"content", text}, {"special", kinds[id] != 4}});
    } else {
      vocabulary.emplace_back(text, id);
    }
  }
  // By name at once: an ordered object takes its members one by one.
  json["model"]["vocab"] = nlohmann::json(std::map<std::string, std::size_t>(vocabulary.begin(), vocabulary.end()));
  return json;
}

/// All pairs of pieces that make a piece, in the order of the pieces' scores.
PlainJson merges_by_score(const GgufFile& file) {
  const auto& texts = texts_of(file);
  const auto& scores = *file.floats("tokenizer.ggml.scores");
  const auto kinds = *file.integers("tokenizer.ggml.token_type");
  std::unordered_set<std::string_view> known;
  std::vector<std::size_t> order;
  for (std::size_t id = 0; id < texts.size(); ++id) {
    if (kinds[id] != 1) continue;
    known.insert(texts[id]);
    order.push_back(id);
  }
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t id) { return scores[id]; });
  PlainJson merges = PlainJson::array();
  for (const std::size_t id : order) {
    const std::string_view text = texts[id];
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      if (known.contains(text.substr(0, cut)) && known.contains(text.substr(cut))) {
        merges.push_back({text.substr(0, cut), text.substr(cut)});
      }
    }
  }
  return merges;
}

class ConvertReference : public testing::TestWithParam<const char*> {};

TEST_P(ConvertReference, GivesTheSameTokens) {
  const std::string base = std::string(COVEY_REFERENCE_DIR) + "/vocab/" + GetParam();
  if (!std::filesystem::exists(base + ".gguf")) GTEST_SKIP() << base << ".gguf is not here";
  const GgufFile file = GgufFile::open(base + ".gguf");
  const bool scored = *file.string("tokenizer.ggml.model") == "llama";
  if (!scored && !Regex::available()) GTEST_SKIP() << "built without PCRE2";
  PlainJson json = published_tokens(file);
  if (scored) {
    json["model"]["byte_fallback"] = true;
    json["model"]["merges"] = merges_by_score(file);
    json["normalizer"] = {{"type", "Sequence"},
                          {"normalizers",
                           {{{"type", "Prepend"}, {"prepend", "▁"}},
                            {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}};
  } else {
    json["model"]["merges"] = *file.strings("tokenizer.ggml.merges");
    json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  }
  MadeTokenizerFiles files;
  files.checkpoint.put_json("tokenizer.json", json);
  const GgufFile converted = files.convert(texts_of(file).size(), scored ? "" : *file.string("tokenizer.ggml.pre"));
  EXPECT_EQ(texts_of(converted), texts_of(file));
  const auto ours = Tokenizer::from_gguf(converted), theirs = Tokenizer::from_gguf(file);
  std::ostringstream text;
  text << std::ifstream(base + ".inp").rdbuf();
  ASSERT_FALSE(text.str().empty());
  const EncodeOptions plain{.bos = false};
  EXPECT_EQ(ours->encode(text.str(), plain), theirs->encode(text.str(), plain));
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, ConvertReference, testing::Values("llama-spm", "phi-3", "gpt-2"),
                         [](const auto& suite) {
                           std::string name = suite.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace covey
