// SentencePiece vocabularies, from tokenizer.model and from a tokenizer.json that was made of one.
#include <gtest/gtest.h>

#include <random>

#include "model/tokenizer.hpp"
#include "tests/model/made_tokenizer_files.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

constexpr const char* kLineAtBase = "▁";

/// Pieces over few letters, the better the lower their id; and as a tokenizer.json spells them.
struct PublishedPieces {
  PublishedPieces() {
    float score = 0;
    for (const char* const text : {"ab", "bc", "▁a", "▁▁", "abc", "▁ab", "▁▁▁▁", "cab", "▁▁a", "é"}) {
      made.add(text, --score);
    }
    for (const char* const text : {kLineAtBase, "a", "b", "c"}) made.add(text, --score);
    mark = made.add("<mark>", 0, TokenKind::user_defined);
    json["normalizer"] = {{"type", "Sequence"},
                          {"normalizers",
                           {{{"type", "Prepend"}, {"prepend", kLineAtBase}},
                            {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kLineAtBase}}}}};
    json["model"] = {{"type", "BPE"}, {"unk_token", "<unk>"}, {"byte_fallback", true}, {"vocab", PlainJson::object()}};
    for (std::size_t id = 0; id < made.texts.size(); ++id) json["model"]["vocab"][made.texts[id]] = id;
    json["added_tokens"] = {{{"id", 0}, {"content", "<unk>"}, {"special", true}},
                            {{"id", 1}, {"content", "<s>"}, {"special", true}},
                            {{"id", 2}, {"content", "</s>"}, {"special", true}},
                            {{"id", mark}, {"content", "<mark>"}, {"special", false}}};
    json["model"]["merges"] = merges();
  }

  /// All pairs of pieces that make a piece, the best piece's first.
  PlainJson merges() const {
    PlainJson list = PlainJson::array();
    const auto known = [this](const std::string& text) {
      return std::ranges::find(made.texts, text) != made.texts.end();
    };
    for (std::size_t id = 3 + 256; id + 1 < made.texts.size(); ++id) {
      const std::string& text = made.texts[id];
      for (std::size_t cut = 1; cut < text.size(); ++cut) {
        if (known(text.substr(0, cut)) && known(text.substr(cut))) {
          list.push_back(text.substr(0, cut) + " " + text.substr(cut));
        }
      }
    }
    return list;
  }
  std::string refusal() {
    files.checkpoint.put_json("tokenizer.json", json);
    return files.refusal(made.texts.size());
  }
  void write_model() const {
    MadeSentencePiece model;
    for (std::size_t i = 0; i < made.texts.size(); ++i) model.piece(made.texts[i], made.scores[i], made.types[i]);
    model.trainer(3, 2);
    model.trainer(43, -1);
    model.normalizer(4, 0);
    files.checkpoint.put("tokenizer.model", model.bytes());
  }

  MadeVocabulary made;
  Token mark = 0;
  PlainJson json;
  MadeTokenizerFiles files;
};

void expect_tokens_of_twin(const GgufFile& converted, const MadeVocabulary& made, bool prefix) {
  const auto ours = Tokenizer::from_gguf(converted);
  const auto twin = Tokenizer::from_gguf(made.gguf([prefix](MadeGguf& gguf) {
    set_usual_ids(gguf);
    gguf.set("tokenizer.ggml.add_space_prefix", prefix);
  }));
  std::mt19937 random(1);
  for (int sample = 0; sample < 300; ++sample) {
    std::string text;
    for (std::size_t length = random() % 40; text.size() < length;) {
      text += std::array{"a", "b", "c", " ", "é", "x", "<mark>", "\n"}[random() % 8];
    }
    EXPECT_EQ(ours->encode(text, {.bos = false}), twin->encode(text, {.bos = false})) << text;
  }
}

TEST(ConvertScored, MergesBecomeScoresThatGiveTheSameTokens) {
  PublishedPieces published;
  published.files.checkpoint.put_json("tokenizer.json", published.json);
  const std::size_t count = published.made.texts.size();
  expect_tokens_of_twin(published.files.convert(count), published.made, true);

  // As Gemma has it: no space before, merges as pairs.
  published.json["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kLineAtBase}};
  published.json["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
  for (PlainJson& merge : published.json["model"]["merges"]) {
    const std::string both = merge;
    merge = {both.substr(0, both.find(' ')), both.substr(both.find(' ') + 1)};
  }
  published.files.checkpoint.put_json("tokenizer.json", published.json);
  expect_tokens_of_twin(published.files.convert(count), published.made, false);

  // As newer files have it.
  published.json.erase("normalizer");
  published.json["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", kLineAtBase}, {"prepend_scheme", "first"}, {"split", false}};
  published.files.checkpoint.put_json("tokenizer.json", published.json);
  expect_tokens_of_twin(published.files.convert(count), published.made, true);
}

TEST(ConvertScored, TokenizerModelComesFirst) {
  PublishedPieces published;
  published.json["model"]["type"] = "WordLevel";
  published.files.checkpoint.put_json("tokenizer.json", published.json);
  published.write_model();
  const GgufFile file = published.files.convert(published.made.texts.size());
  EXPECT_EQ(*file.strings("tokenizer.ggml.tokens"), published.made.texts);
  EXPECT_EQ(*file.floats("tokenizer.ggml.scores"), published.made.scores);
  EXPECT_EQ(file.integer("tokenizer.ggml.unknown_token_id"), 0);
  EXPECT_EQ(file.integer("tokenizer.ggml.bos_token_id"), 1);
  EXPECT_EQ(file.integer("tokenizer.ggml.eos_token_id"), 2);
  EXPECT_EQ(file.find("tokenizer.ggml.padding_token_id"), nullptr);
  expect_tokens_of_twin(file, published.made, true);
}

TEST(ConvertScored, UserDefinedPiecesAreFoundAsTextHasThem) {
  MadeTokenizerFiles files;
  MadeVocabulary made;
  MadeSentencePiece model;
  made.add("▁▁", -1, TokenKind::user_defined);
  made.add("a", -2);
  for (std::size_t i = 0; i < made.texts.size(); ++i) model.piece(made.texts[i], made.scores[i], made.types[i]);
  model.trainer(3, 2);
  model.normalizer(3, 0);
  model.normalizer(4, 0);
  files.checkpoint.put("tokenizer.model", model.bytes());
  const auto tokenizer = Tokenizer::from_gguf(files.convert(made.texts.size()));
  EXPECT_EQ(tokenizer->encode("a  a", {.bos = false}), (std::vector<Token>{260, 259, 260}));
}

TEST(ConvertScored, RefusesMergesThatScoresCannotGive) {
  PublishedPieces published;
  PlainJson& merges = published.json["model"]["merges"];
  merges.erase(std::ranges::find(merges, PlainJson("ab c")));
  EXPECT_NE(published.refusal().find("'abc'"), std::string::npos) << published.refusal();
  merges = published.merges();
  std::swap(merges[0], *(std::ranges::find(merges, PlainJson("a bc"))));
  EXPECT_NE(published.refusal().find("merges of its own"), std::string::npos) << published.refusal();
}

TEST(ConvertScored, RefusesOtherKinds) {
  PublishedPieces published;
  published.json["model"]["byte_fallback"] = false;
  EXPECT_NE(published.refusal().find("byte_fallback"), std::string::npos);
  published.json["model"]["byte_fallback"] = true;
  published.json["normalizer"] = {{"type", "NFKC"}};
  EXPECT_NE(published.refusal().find("NFKC"), std::string::npos);
  published.json.erase("normalizer");
  EXPECT_NE(published.refusal().find("U+2581"), std::string::npos);
  EXPECT_NE(published.files.refusal(10).find("rows"), std::string::npos);

  MadeSentencePiece model;
  model.piece("a", 0, 1);
  model.trainer(3, 1);
  published.files.checkpoint.put("tokenizer.model", model.bytes());
  EXPECT_NE(published.files.refusal(300).find("BPE"), std::string::npos);
  model.trainer(3, 2);
  model.character_map("table");
  published.files.checkpoint.put("tokenizer.model", model.bytes());
  EXPECT_NE(published.files.refusal(300).find("table of characters"), std::string::npos);
}

TEST(ConvertSpecialTokens, ComeFromTheFilesBeside) {
  PublishedPieces published;
  published.write_model();
  const MadeCheckpoint& folder = published.files.checkpoint;
  const auto last = static_cast<Token>(published.made.texts.size());
  folder.put_json(
      "tokenizer_config.json",
      {{"bos_token", "<s>"},
       {"eos_token", {{"content", "<end>"}, {"lstrip", false}}},
       {"pad_token", "<mark>"},
       {"add_bos_token", false},
       {"chat_template",
        {{{"name", "default"}, {"template", "{{ plain }}"}}, {{"name", "tool_use"}, {"template", "tools"}}}},
       {"added_tokens_decoder", {{std::to_string(last), {{"content", "<end>"}, {"special", true}}}}}});
  folder.put_json("added_tokens.json", {{"<end>", last}, {"<more>", last + 1}});
  folder.put_json("generation_config.json", {{"eos_token_id", {last, 2, last + 1}}});
  const GgufFile file = published.files.convert(static_cast<std::size_t>(last) + 2);
  EXPECT_EQ(file.integer("tokenizer.ggml.bos_token_id"), 1);
  EXPECT_EQ(file.integer("tokenizer.ggml.eos_token_id"), last);
  EXPECT_EQ(file.integer("tokenizer.ggml.eot_token_id"), 2);
  EXPECT_EQ(file.integer("tokenizer.ggml.eom_token_id"), last + 1);
  EXPECT_EQ(file.integer("tokenizer.ggml.padding_token_id"), published.mark);
  EXPECT_EQ(file.boolean("tokenizer.ggml.add_bos_token"), false);
  EXPECT_EQ(*file.string("tokenizer.chat_template"), "{{ plain }}");
  EXPECT_EQ(*file.string("tokenizer.chat_template.tool_use"), "tools");
  const auto kinds = *file.integers("tokenizer.ggml.token_type");
  EXPECT_EQ(kinds[static_cast<std::size_t>(last)], 3);
  EXPECT_EQ(kinds[static_cast<std::size_t>(last) + 1], 4);

  folder.put("chat_template.jinja", "{{ newer }}");
  EXPECT_EQ(*published.files.convert(300).string("tokenizer.chat_template"), "{{ newer }}");
  folder.put_json("tokenizer_config.json", {{"eos_token", "<nowhere>"}});
  EXPECT_NE(published.files.refusal(300).find("<nowhere>"), std::string::npos);
}

TEST(ConvertSpecialTokens, ATemplateOfTheFileSaysWhetherTextsBeginWithBos) {
  PublishedPieces published;
  published.files.checkpoint.put_json("special_tokens_map.json", {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  for (const bool first : {false, true}) {
    PlainJson single = PlainJson::array();
    if (first) single.push_back({{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}});
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    published.json["post_processor"] = {{"type", "Sequence"},
                                        {"processors", {{{"type", "TemplateProcessing"}, {"single", single}}}}};
    published.files.checkpoint.put_json("tokenizer.json", published.json);
    EXPECT_EQ(published.files.convert(300).boolean("tokenizer.ggml.add_bos_token"), first);
  }
}

}  // namespace
}  // namespace covey
