#include "model/spm_tokenizer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "covey/error.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

using Tokens = std::vector<Token>;
constexpr EncodeOptions kNoBos{.bos = false, .special = false};
constexpr EncodeOptions kWithSpecial{.bos = false, .special = true};

Tokens bytes(std::string_view text) {
  Tokens tokens;
  for (const char c : text) tokens.push_back(3 + static_cast<std::uint8_t>(c));
  return tokens;
}

/// "▁", a to d, and merges of them.
struct AbcVocabulary {
  MadeVocabulary vocabulary;
  Token space = vocabulary.add("▁", -10);
  Token a = vocabulary.add("a", -10);
  Token b = vocabulary.add("b", -10);
  Token c = vocabulary.add("c", -10);
  Token d = vocabulary.add("d", -10);
  Token bc = vocabulary.add("bc", -1);
  Token ab = vocabulary.add("ab", -2);
  Token cd = vocabulary.add("cd", -2);
  Token space_a = vocabulary.add("▁a", -3);
  Token space_ab = vocabulary.add("▁ab", -4);
  Token mark = vocabulary.add("<mark>", 0, TokenKind::user_defined);

  SpmTokenizer tokenizer(const std::function<void(MadeGguf&)>& more = {}) const {
    return SpmTokenizer(vocabulary.gguf([&](MadeGguf& gguf) {
      set_usual_ids(gguf);
      if (more) more(gguf);
    }));
  }
};

TEST(SpmTokenizer, the_best_scored_neighbours_merge_first) {
  const AbcVocabulary made;
  const SpmTokenizer tokenizer = made.tokenizer();
  EXPECT_EQ(tokenizer.encode("abcd", kNoBos), (Tokens{made.space_a, made.bc, made.d}));
  EXPECT_EQ(tokenizer.encode("ab", kNoBos), (Tokens{made.space_ab}));
}

TEST(SpmTokenizer, among_equal_scores_the_leftmost_merges) {
  MadeVocabulary vocabulary;
  vocabulary.add("▁", 0);
  const Token x = vocabulary.add("x", 0);
  const Token xx = vocabulary.add("xx", 0);
  const SpmTokenizer tokenizer(
      vocabulary.gguf([](MadeGguf& gguf) { gguf.set("tokenizer.ggml.add_space_prefix", false); }));
  EXPECT_EQ(tokenizer.encode("xxxxx", kNoBos), (Tokens{xx, xx, x}));
}

TEST(SpmTokenizer, bos_as_the_vocabulary_or_the_caller_asks) {
  const AbcVocabulary made;
  const Tokens with = {1, made.space_a};
  const Tokens without = {made.space_a};
  EXPECT_EQ(made.tokenizer().encode("a", {}), with);
  EXPECT_EQ(made.tokenizer().encode("a", {.bos = false}), without);
  const SpmTokenizer off = made.tokenizer([](MadeGguf& gguf) { gguf.set("tokenizer.ggml.add_bos_token", false); });
  EXPECT_EQ(off.encode("a", {}), without);
  EXPECT_EQ(off.encode("a", {.bos = true}), with);
  EXPECT_EQ(made.tokenizer().encode("", {}), Tokens{1});
  const SpmTokenizer none(made.vocabulary.gguf());
  EXPECT_EQ(none.encode("a", {}), without);
  EXPECT_THROW(none.encode("a", {.bos = true}), Error);
}

TEST(SpmTokenizer, the_space_in_front_is_the_vocabularys_choice) {
  const AbcVocabulary made;
  const SpmTokenizer plain = made.tokenizer([](MadeGguf& gguf) { gguf.set("tokenizer.ggml.add_space_prefix", false); });
  EXPECT_EQ(plain.encode("a a", kNoBos), (Tokens{made.a, made.space_a}));
  EXPECT_EQ(plain.decode(Tokens{made.space_a}, false), " a");
  EXPECT_EQ(made.tokenizer().encode("", kNoBos), Tokens{});
  EXPECT_EQ(made.tokenizer().encode(" a", kNoBos), (Tokens{made.space, made.space_a}));
}

TEST(SpmTokenizer, what_goes_on_from_another_text_begins_with_no_space_of_ours) {
  const AbcVocabulary made;
  const EncodeOptions goes_on{.bos = std::nullopt, .special = true, .continues = true};
  EXPECT_EQ(made.tokenizer().encode("a", goes_on), Tokens{made.a}) << "and no BOS";
  EXPECT_EQ(made.tokenizer().encode("", goes_on), Tokens{});
  EXPECT_EQ(made.tokenizer().encode("<mark>a", goes_on), (Tokens{made.mark, made.space_a})) << "after a special token";
  EXPECT_EQ(made.tokenizer().encode("a", {.bos = true, .continues = true}), (Tokens{1, made.a}));
}

TEST(SpmTokenizer, eos_when_the_caller_asks) {
  const AbcVocabulary made;
  EXPECT_EQ(made.tokenizer().encode("a", {.bos = {}, .eos = true}), (Tokens{1, made.space_a, 2}));
  EXPECT_THROW(SpmTokenizer(made.vocabulary.gguf()).encode("a", {.bos = {}, .eos = true}), Error);
}

TEST(SpmTokenizer, extra_spaces_go_where_the_vocabulary_asks) {
  const AbcVocabulary made;
  const SpmTokenizer tokenizer =
      made.tokenizer([](MadeGguf& gguf) { gguf.set("tokenizer.ggml.remove_extra_whitespaces", true); });
  EXPECT_EQ(tokenizer.encode("  a   a ", kNoBos), (Tokens{made.space_a, made.space_a}));
  EXPECT_EQ(tokenizer.encode("   ", kNoBos), Tokens{});
  EXPECT_EQ(made.tokenizer().encode("a  a", kNoBos), (Tokens{made.space_a, made.space, made.space_a}));
}

// Gemma's vocabularies: no space in front, runs of spaces and line ends as tokens for themselves.
TEST(SpmTokenizer, runs_of_blanks_that_are_tokens) {
  MadeVocabulary vocabulary;
  const Token a = vocabulary.add("a", -1);
  const Token space_a = vocabulary.add("▁a", -2);
  vocabulary.add("▁", -3);
  const Token two_spaces = vocabulary.add("  ", 0, TokenKind::user_defined);
  const Token two_lines = vocabulary.add("\n\n", 0, TokenKind::user_defined);
  const Token turn = vocabulary.add("<end_of_turn>", 0, TokenKind::control);
  const SpmTokenizer tokenizer(vocabulary.gguf([](MadeGguf& gguf) {
    set_usual_ids(gguf);
    gguf.set("tokenizer.ggml.add_space_prefix", false);
  }));
  const Tokens expected = {a, two_spaces, a, two_lines, a, space_a, turn};
  EXPECT_EQ(tokenizer.encode("a  a\n\na a<end_of_turn>", kWithSpecial), expected);
  EXPECT_EQ(tokenizer.decode(expected, true), "a  a\n\na a<end_of_turn>");
  EXPECT_TRUE(tokenizer.ends_text(turn));
}

TEST(SpmTokenizer, what_is_no_token_is_spelled_in_bytes) {
  const AbcVocabulary made;
  Tokens expected = {made.space};
  for (const Token token : bytes("é")) expected.push_back(token);
  expected.push_back(made.a);
  EXPECT_EQ(made.tokenizer().encode("éa", kNoBos), expected);
  EXPECT_EQ(made.tokenizer().decode(expected, false), "éa");
}

TEST(SpmTokenizer, without_byte_tokens_a_character_is_unknown) {
  MadeVocabulary vocabulary(false);
  const Token space = vocabulary.add("▁", 0);
  const Token a = vocabulary.add("a", 0);
  const SpmTokenizer tokenizer(vocabulary.gguf(set_usual_ids));
  EXPECT_EQ(tokenizer.encode("éa", kNoBos), (Tokens{space, 0, a}));
  EXPECT_EQ(tokenizer.decode(Tokens{space, 0, a}, false), "a");
  EXPECT_EQ(tokenizer.decode(Tokens{space, 0, a}, true), "<unk>a");
}

TEST(SpmTokenizer, user_defined_tokens_are_always_found_and_control_tokens_on_request) {
  const AbcVocabulary made;
  const SpmTokenizer tokenizer = made.tokenizer();
  EXPECT_EQ(tokenizer.encode("a<mark>a", kNoBos), (Tokens{made.space_a, made.mark, made.space_a}));
  EXPECT_EQ(tokenizer.encode("<mark>", kNoBos), Tokens{made.mark});
  EXPECT_EQ(tokenizer.encode("a</s>b", kWithSpecial), (Tokens{made.space_a, 2, made.space, made.b}));
  Tokens spelled = {made.space_a};
  for (const Token token : bytes("</s>")) spelled.push_back(token);
  EXPECT_EQ(tokenizer.encode("a</s>", kNoBos), spelled);
}

TEST(SpmTokenizer, merges_never_make_a_control_or_a_byte_token) {
  MadeVocabulary vocabulary;
  const Token space = vocabulary.add("▁", 0);
  const Token lead = vocabulary.add("<", 0);
  const Token tail = vocabulary.add("s>", 0);
  const Token byte_tail = vocabulary.add("0x41>", 0);
  for (const char* text : {"s", ">", "0", "x", "4", "1", "0x", "0x4", "0x41"}) vocabulary.add(text, 0);
  const SpmTokenizer tokenizer(vocabulary.gguf(set_usual_ids));
  EXPECT_EQ(tokenizer.encode("<s>", kNoBos), (Tokens{space, lead, tail}));
  EXPECT_EQ(tokenizer.encode("<0x41>", kNoBos), (Tokens{space, lead, byte_tail}));
}

TEST(SpmTokenizer, pieces_and_decoding) {
  const AbcVocabulary made;
  const SpmTokenizer tokenizer = made.tokenizer();
  EXPECT_EQ(tokenizer.piece(made.space_a, false), " a");
  EXPECT_EQ(tokenizer.piece(made.mark, false), "<mark>");
  EXPECT_EQ(tokenizer.piece(3 + 0x0A, false), "\n");
  EXPECT_EQ(tokenizer.piece(2, false), "");
  EXPECT_EQ(tokenizer.piece(2, true), "</s>");
  EXPECT_EQ(tokenizer.decode(Tokens{1, made.space_a, made.space_a, 2}, false), "a a");
  EXPECT_EQ(tokenizer.decode(Tokens{1, made.space_a, made.space_a, 2}, true), "<s>a a</s>");
  EXPECT_EQ(tokenizer.decode(Tokens{made.b, made.space_a}, false), "b a");
  EXPECT_EQ(tokenizer.decode(Tokens{}, false), "");
}

TEST(SpmTokenizer, any_bytes_come_back) {
  const AbcVocabulary made;
  const SpmTokenizer tokenizer = made.tokenizer();
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::uint32_t left = random() % 40; left > 0; --left) {
      text += random() % 2 == 0 ? "ab cd \xE2\x82"[random() % 9] : static_cast<char>(random());
    }
    if (text.find("▁") != std::string::npos) continue;  // reads as a space
    const Tokens tokens = tokenizer.encode(text, kNoBos);
    EXPECT_EQ(tokenizer.decode(tokens, false), text);
  }
}

// Merging must not look at all neighbours each time: that would take hours here.
TEST(SpmTokenizer, long_texts_come_back) {
  const AbcVocabulary made;
  const SpmTokenizer tokenizer = made.tokenizer();
  std::string text;
  for (std::size_t i = 0; text.size() < 1000000; ++i) text += "abcd ab "[(i * i + i / 7) % 8];
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, kNoBos), false), text);
}

TEST(SpmTokenizer, the_vocabulary_of_the_test_models) {
  const GgufFile file = GgufFile::open(COVEY_TEST_DATA "/llama.gguf");
  const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::from_gguf(file);
  EXPECT_EQ(tokenizer->kind(), "llama");
  EXPECT_EQ(tokenizer->size(), 300);
  EXPECT_EQ(tokenizer->encode("abc N", {}), (Tokens{1, 259, 260, 261, 262, 259, 299}));
  EXPECT_EQ(tokenizer->decode(Tokens{1, 259, 260, 261, 262, 259, 299}, false), "abc N");
  EXPECT_TRUE(tokenizer->ends_text(2));
}

}  // namespace
}  // namespace covey
