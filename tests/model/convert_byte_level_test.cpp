// Byte-level BPE: from tokenizer.json to the vocabulary that a GGUF file would have had.
#include <gtest/gtest.h>

#include "model/regex.hpp"
#include "model/tokenizer.hpp"
#include "tests/model/made_bpe.hpp"
#include "tests/model/made_tokenizer_files.hpp"

namespace covey {
namespace {

constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// A vocabulary with a few merges, a special token and one that is not.
struct PublishedBpe {
  PublishedBpe() {
    made.merge("t", "h");
    made.merge("th", "e");
    made.merge(" ", "the");
    made.merge("1", "2");
    made.merge("12", "3");
    made.merge("l", "l");
    made.merge("'", "ll");
    made.merge("\xC3", "\xA9");
    json["model"] = {{"type", "BPE"}, {"vocab", PlainJson::object()}, {"merges", made.merges}};
    for (std::size_t id = 0; id < made.texts.size(); ++id) json["model"]["vocab"][made.texts[id]] = id;
    json["pre_tokenizer"] = split_then_bytes({kLlama3});
    json["added_tokens"] = {
        {{"id", made.add("<|begin|>", TokenKind::control)}, {"content", "<|begin|>"}, {"special", true}},
        {{"id", made.add("<think>", TokenKind::user_defined)}, {"content", "<think>"}, {"special", false}}};
  }
  GgufFile convert(std::string_view pre = "") {
    files.checkpoint.put_json("tokenizer.json", json);
    return files.convert(made.texts.size(), pre);
  }
  std::string refusal(std::string_view pre = "") {
    files.checkpoint.put_json("tokenizer.json", json);
    return files.refusal(made.texts.size(), pre);
  }

  MadeBpe made;
  PlainJson json;
  MadeTokenizerFiles files;
};

TEST(ConvertByteLevel, GivesTheTokensOfItsTwin) {
  if (!Regex::available()) GTEST_SKIP() << "built without PCRE2";
  PublishedBpe published;
  const auto ours = Tokenizer::from_gguf(published.convert());
  const auto twin = Tokenizer::from_gguf(published.made.gguf("dbrx"));
  for (const char* const text : {"", "the thethe 12345", "They'll é\n\n  the", "<|begin|>the<think>the"}) {
    for (const bool special : {false, true}) {
      const EncodeOptions options{.bos = std::nullopt, .special = special};
      EXPECT_EQ(ours->encode(text, options), twin->encode(text, options)) << text;
    }
  }
}

TEST(ConvertByteLevel, FindsThePreTokenizerInTheFile) {
  const PlainJson bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  const PlainJson digits = {{"type", "Sequence"},
                            {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, bytes}}};
  PlainJson removed = split_then_bytes({kLlama3});
  removed["pretokenizers"][0]["behavior"] = "Removed";
  removed["pretokenizers"][0]["invert"] = true;
  const struct {
    PlainJson step;
    bool whole_first;
    const char* name;
  } cases[] = {{split_then_bytes({kLlama3}), true, "llama-bpe"},
               {split_then_bytes({kLlama3}), false, "dbrx"},
               {split_then_bytes({kQwen2}), false, "qwen2"},
               {split_then_bytes({kO200k}), false, "gpt-4o"},
               {bytes, false, "gpt-2"},
               {digits, false, "smollm"},
               {removed, false, "dbrx"}};
  for (const auto& [step, whole_first, name] : cases) {
    PublishedBpe published;
    published.json["pre_tokenizer"] = step;
    published.json["model"]["ignore_merges"] = whole_first;
    published.json["normalizer"] = {{"type", "NFC"}};
    EXPECT_EQ(*published.convert().string("tokenizer.ggml.pre"), name);
  }
}

TEST(ConvertByteLevel, RefusesWaysOfCuttingThatAreNotKnownUnlessTheyAreNamed) {
  PublishedBpe published;
  published.json["pre_tokenizer"] = split_then_bytes({R"(\w+|\W+)"});
  const std::string refusal = published.refusal();
  for (const char* const part : {"tokenizer.json", R"(\w+|\W+)", "--pre", "llama-bpe"}) {
    EXPECT_NE(refusal.find(part), std::string::npos) << refusal;
  }
  EXPECT_EQ(*published.convert("qwen2").string("tokenizer.ggml.pre"), "qwen2");
  EXPECT_NE(published.refusal("nonsense").find("nonsense"), std::string::npos);

  published.json["pre_tokenizer"] = split_then_bytes({kQwen2});
  published.json["model"]["ignore_merges"] = true;
  EXPECT_NE(published.refusal().find("ignores merges"), std::string::npos);
}

TEST(ConvertByteLevel, TakesMergesAsPairs) {
  PublishedBpe published;
  PlainJson pairs = PlainJson::array();
  for (const std::string& merge : published.made.merges) {
    const std::size_t space = merge.find(' ');
    pairs.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  published.json["model"]["merges"] = pairs;
  EXPECT_EQ(*published.convert().strings("tokenizer.ggml.merges"), published.made.merges);
}

TEST(ConvertByteLevel, FillsGapsAndPadding) {
  PublishedBpe published;
  const std::size_t last = published.made.texts.size();
  published.json["added_tokens"].push_back({{"id", last + 2}, {"content", "<late>"}, {"special", true}});
  published.files.checkpoint.put_json("tokenizer.json", published.json);
  const GgufFile file = published.files.convert(last + 5);
  const auto& texts = *file.strings("tokenizer.ggml.tokens");
  const auto kinds = *file.integers("tokenizer.ggml.token_type");
  ASSERT_EQ(texts.size(), last + 5);
  EXPECT_EQ(texts[last + 2], "<late>");
  EXPECT_EQ(kinds[last + 2], 3);
  for (const std::size_t id : {last, last + 1, last + 3, last + 4}) {
    EXPECT_EQ(texts[id], "[PAD" + std::to_string(id) + "]");
    EXPECT_EQ(kinds[id], 5);
  }
  EXPECT_NE(published.files.refusal(last).find("<late>"), std::string::npos);
}

TEST(ConvertByteLevel, RefusesWhatItWouldGetWrong) {
  const struct {
    void (*damage)(PlainJson&);
    const char* part;
  } cases[] = {
      {[](PlainJson& json) { json["model"]["type"] = "Unigram"; }, "Unigram"},
      {[](PlainJson& json) {
         json["normalizer"] = {{"type", "Lowercase"}};
       },
       "normalises"},
      {[](PlainJson& json) { json["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix"},
      {[](PlainJson& json) { json["model"]["vocab"]["th"] = 4000000000; }, "'th'"},
      {[](PlainJson& json) { json["model"]["vocab"]["th"] = -1; }, "'th'"},
      {[](PlainJson& json) { json["model"]["vocab"]["th"] = 1; }, "id 1"},
      {[](PlainJson& json) { json["model"]["vocab"].erase("th"); }, "'th'"},
      {[](PlainJson& json) { json["model"]["merges"][0] = "alone"; }, "merge 0"},
      {[](PlainJson& json) { json["model"].erase("vocab"); }, "vocab"},
      {[](PlainJson& json) { json["added_tokens"][0]["id"] = 5; }, "added tokens"},
      {[](PlainJson& json) { json["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; }, "space"},
  };
  for (const auto& [damage, part] : cases) {
    PublishedBpe published;
    damage(published.json);
    const std::string refusal = published.refusal();
    EXPECT_NE(refusal.find(part), std::string::npos) << part << ": " << refusal;
  }
}

}  // namespace
}  // namespace covey
