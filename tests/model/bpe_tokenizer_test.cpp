#include "model/bpe_tokenizer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "covey/error.hpp"
#include "tests/error_of.hpp"
#include "tests/model/made_bpe.hpp"

namespace covey {
namespace {

using Tokens = std::vector<Token>;
constexpr EncodeOptions kPlain{.bos = false, .special = false};
constexpr EncodeOptions kSpecial{.bos = false, .special = true};

struct HeMerges {
  MadeBpe vocabulary;
  Token he = vocabulary.merge("h", "e");
  Token space_h = vocabulary.merge(" ", "h");
  Token space_he = vocabulary.merge(" ", "he");
  Token she = vocabulary.add("she");  // no merges lead there
  Token mark = vocabulary.add("<mark>", TokenKind::user_defined);
  Token spaces = vocabulary.add("   ", TokenKind::user_defined);
  Token start = vocabulary.add("<|start|>", TokenKind::control);
  Token end = vocabulary.add("<|endoftext|>", TokenKind::control);

  BpeTokenizer tokenizer(std::string_view pre = "gpt-2", const std::function<void(MadeGguf&)>& more = {}) const {
    return BpeTokenizer(vocabulary.gguf(pre, [&](MadeGguf& gguf) {
      gguf.set("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(start));
      gguf.set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end));
      if (more) more(gguf);
    }));
  }
};

class Bpe : public testing::Test {
 protected:
  void SetUp() override {
    if (!Regex::available()) GTEST_SKIP() << "built without PCRE2";
  }
};

TEST_F(Bpe, merges_within_words_only) {
  const HeMerges made;
  const BpeTokenizer tokenizer = made.tokenizer();
  EXPECT_EQ(tokenizer.encode("he she", kPlain), (Tokens{made.he, ' ', 's', made.he}));
  EXPECT_EQ(tokenizer.encode("a he", kPlain), (Tokens{'a', made.space_he})) << "\"he\" merges before \" h\" does";
  EXPECT_EQ(tokenizer.encode("a ha", kPlain), (Tokens{'a', made.space_h, 'a'}));
  EXPECT_EQ(tokenizer.encode("h"
                             "'e",
                             kPlain),
            (Tokens{'h', '\'', 'e'}));
  EXPECT_EQ(tokenizer.encode("", kPlain), Tokens{});
}

TEST_F(Bpe, some_models_look_for_whole_words_first) {
  const HeMerges made;
  EXPECT_EQ(made.tokenizer("llama-bpe").encode("she he", kPlain), (Tokens{made.she, made.space_he}));
  EXPECT_EQ(made.tokenizer("llama-bpe").encode("shee", kPlain), (Tokens{'s', made.he, 'e'}));
  EXPECT_EQ(made.tokenizer("qwen2").encode("she", kPlain), (Tokens{'s', made.he}));
}

TEST_F(Bpe, bos_and_eos_as_vocabulary_pre_tokenizer_or_caller_ask) {
  const HeMerges made;
  const Tokens without = {made.he};
  const Tokens with = {made.start, made.he};
  const auto set_bos = [](bool value) {
    return [value](MadeGguf& gguf) { gguf.set("tokenizer.ggml.add_bos_token", value); };
  };
  EXPECT_EQ(made.tokenizer("gpt-2").encode("he", {}), without);
  EXPECT_EQ(made.tokenizer("llama-bpe").encode("he", {}), with);
  EXPECT_EQ(made.tokenizer("tekken").encode("he", {}), with);
  EXPECT_EQ(made.tokenizer("gpt-2", set_bos(true)).encode("he", {}), with);
  EXPECT_EQ(made.tokenizer("llama-bpe", set_bos(false)).encode("he", {}), without);
  EXPECT_EQ(made.tokenizer("gpt-2").encode("he", {.bos = true}), with);
  EXPECT_EQ(made.tokenizer("gpt-2").encode("he", {.bos = {}, .eos = true}), (Tokens{made.he, made.end}));
  const BpeTokenizer none(made.vocabulary.gguf("llama-bpe"));
  EXPECT_EQ(none.encode("he", {}), without) << "there is no BOS to add";
  EXPECT_THROW(none.encode("he", {.bos = true}), Error);
  EXPECT_THROW(none.encode("he", {.bos = {}, .eos = true}), Error);
}

TEST_F(Bpe, user_defined_tokens_are_always_found_and_control_tokens_on_request) {
  const HeMerges made;
  const BpeTokenizer tokenizer = made.tokenizer();
  EXPECT_EQ(tokenizer.encode("h<mark>e   he", kPlain), (Tokens{'h', made.mark, 'e', made.spaces, made.he}));
  EXPECT_EQ(tokenizer.encode("he<|endoftext|>", kSpecial), (Tokens{made.he, made.end}));
  const Tokens spelled = tokenizer.encode("<|endoftext|>", kPlain);
  EXPECT_EQ(spelled.size(), std::string_view("<|endoftext|>").size());
  EXPECT_EQ(tokenizer.decode(spelled, false), "<|endoftext|>");
  EXPECT_TRUE(tokenizer.ends_text(made.end));
  EXPECT_FALSE(tokenizer.ends_text(made.start));
}

TEST_F(Bpe, ordinary_text_never_becomes_a_control_token) {
  MadeBpe made;
  made.add("<s>", TokenKind::control);
  made.merges = {"s >"};
  made.add("s>");
  made.merges.push_back("< s>");
  const BpeTokenizer tokenizer(made.gguf("llama-bpe"));
  EXPECT_EQ(tokenizer.encode("<s>", kPlain), (Tokens{'<', 's', '>'}));
}

TEST_F(Bpe, pieces_and_decoding) {
  const HeMerges made;
  const BpeTokenizer tokenizer = made.tokenizer();
  EXPECT_EQ(tokenizer.piece(made.space_he, false), " he");
  EXPECT_EQ(tokenizer.piece(made.spaces, false), "   ");
  EXPECT_EQ(tokenizer.piece(0xE4, false), "\xE4");
  EXPECT_EQ(tokenizer.piece(made.end, false), "");
  EXPECT_EQ(tokenizer.piece(made.end, true), "<|endoftext|>");
  EXPECT_EQ(tokenizer.decode(Tokens{made.start, made.space_he, made.end}, false), " he");
  EXPECT_EQ(tokenizer.decode(Tokens{made.start, made.space_he, made.end}, true), "<|start|> he<|endoftext|>");
  EXPECT_EQ(tokenizer.kind(), "gpt2");
}

TEST_F(Bpe, a_stream_shows_whole_characters_only) {
  const BpeTokenizer tokenizer = HeMerges().tokenizer();
  Detokenizer detokenizer(tokenizer, true);
  EXPECT_EQ(detokenizer.push(' '), " ") << "no space is taken off";
  EXPECT_EQ(detokenizer.push(0xE4), "");
  EXPECT_EQ(detokenizer.push(0xBD), "");
  EXPECT_EQ(detokenizer.push(0xA0), "你");
  EXPECT_EQ(detokenizer.push(0xE4), "");
  EXPECT_EQ(detokenizer.finish(), "\uFFFD");
}

// As some models have it: a letter that stands for a byte that text never holds is a token for itself.
TEST_F(Bpe, a_user_defined_letter_is_that_letter) {
  MadeBpe made;
  made.types[0xF5] = static_cast<std::int32_t>(TokenKind::user_defined);  // "õ"
  const BpeTokenizer tokenizer(made.gguf());
  EXPECT_EQ(tokenizer.encode("aõ", kPlain), (Tokens{'a', 0xF5}));
  EXPECT_EQ(tokenizer.decode(Tokens{'a', 0xF5}, false), "aõ");
  EXPECT_EQ(tokenizer.encode("a\xF5", kPlain), Tokens{'a'}) << "the byte has no token";
}

TEST_F(Bpe, any_bytes_come_back) {
  const HeMerges made;
  std::mt19937 random(1);
  for (const PreTokenizerRule& rule : pre_tokenizer_rules()) {
    const BpeTokenizer tokenizer = made.tokenizer(rule.names[0]);
    for (int round = 0; round < 100; ++round) {
      std::string text;
      for (std::uint32_t left = random() % 40; left > 0; --left) {
        text += random() % 2 == 0 ? "he she 12'\xE2\x82\n"[random() % 13] : static_cast<char>(random());
      }
      ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, kPlain), false), text) << rule.names[0];
    }
  }
}

TEST_F(Bpe, a_megabyte_comes_back) {
  constexpr std::size_t kLength = 1000000;
  const BpeTokenizer tokenizer = HeMerges().tokenizer("llama-bpe");
  std::string words, emoji, number(kLength, ' ');
  for (std::size_t i = 0; words.size() < kLength; ++i) words += "he she h "[(i * i + i / 7) % 9];
  while (emoji.size() < kLength) emoji += "😀";
  number += '7';
  for (const std::string& text : {words, emoji, number, std::string(kLength, 'h'), std::string(kLength, '\n')}) {
    ASSERT_TRUE(tokenizer.decode(tokenizer.encode(text, kPlain), false) == text) << text.substr(0, 9);
  }
}

TEST_F(Bpe, without_a_named_pre_tokenizer_the_default) {
  const BpeTokenizer tokenizer = HeMerges().tokenizer("");
  EXPECT_EQ(tokenizer.encode("he", kPlain), HeMerges().tokenizer("default").encode("he", kPlain));
}

TEST(BpeErrors, an_unknown_pre_tokenizer_lists_the_known) {
  const std::string error = error_of([] { BpeTokenizer(MadeBpe().gguf("gpt-3")); });
  for (const char* part : {"made.gguf", "'gpt-3'", "tokenizer.ggml.pre", "llama-bpe", "qwen2", "default"}) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
}

TEST(BpeErrors, a_build_without_regular_expressions_says_so) {
  if (Regex::available()) GTEST_SKIP() << "built with PCRE2";
  const std::string error = error_of([] { BpeTokenizer(MadeBpe().gguf()); });
  for (const char* part : {"made.gguf", "COVEY_PCRE2"}) EXPECT_NE(error.find(part), std::string::npos) << error;
}

}  // namespace
}  // namespace covey
