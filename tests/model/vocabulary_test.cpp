#include "model/vocabulary.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "covey/error.hpp"
#include "tests/error_of.hpp"
#include "tests/model/made_bpe.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

void expect_vocabulary_error(const GgufFile& file, const std::string& part) {
  const std::string error = error_of([&] { Vocabulary{file}; });
  EXPECT_NE(error.find("made.gguf"), std::string::npos) << error;
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

TEST(Vocabulary, reads_what_the_file_says) {
  MadeVocabulary made;
  const Token a = made.add("a", -1.5F);
  const Token mine = made.add("<mine>", 0, TokenKind::user_defined);
  const GgufFile file = made.gguf([](MadeGguf& gguf) {
    set_usual_ids(gguf);
    gguf.set("tokenizer.ggml.add_bos_token", false);
    gguf.set("tokenizer.ggml.add_space_prefix", true);
  });
  const Vocabulary vocabulary(file);
  EXPECT_EQ(vocabulary.size(), 261);
  EXPECT_EQ(vocabulary.text(a), "a");
  EXPECT_EQ(vocabulary.score(a), -1.5F);
  EXPECT_EQ(vocabulary.kind(mine), TokenKind::user_defined);
  EXPECT_EQ(vocabulary.find_piece("a"), a);
  EXPECT_EQ(vocabulary.find_piece("<mine>"), mine);
  EXPECT_EQ(vocabulary.bos(), 1);
  EXPECT_EQ(vocabulary.eos(), 2);
  EXPECT_EQ(vocabulary.unknown(), 0);
  EXPECT_EQ(vocabulary.add_bos(), false);
  EXPECT_EQ(vocabulary.add_space_prefix(), true);
  EXPECT_EQ(vocabulary.byte_token(0x0A), 3 + 10);
  EXPECT_EQ(vocabulary.byte_of(3 + 0xFF), 0xFF);
}

TEST(Vocabulary, ordinary_text_never_finds_special_tokens) {
  const Vocabulary vocabulary(MadeVocabulary().gguf(set_usual_ids));
  for (const char* text : {"<unk>", "<s>", "</s>", "<0x41>"}) EXPECT_FALSE(vocabulary.find_piece(text)) << text;
}

TEST(Vocabulary, leaves_open_what_the_file_leaves_open) {
  const Vocabulary vocabulary(MadeVocabulary().gguf());
  EXPECT_FALSE(vocabulary.bos());
  EXPECT_FALSE(vocabulary.eos());
  EXPECT_FALSE(vocabulary.add_bos());
  EXPECT_FALSE(vocabulary.add_space_prefix());
  EXPECT_EQ(vocabulary.unknown(), 0) << "the token of that kind";
}

TEST(Vocabulary, of_equal_texts_the_lower_id_is_found) {
  MadeVocabulary made;
  const Token first = made.add("twin", 0);
  made.add("twin", 1);
  EXPECT_EQ(Vocabulary(made.gguf()).find_piece("twin"), first);
}

TEST(Vocabulary, knows_what_ends_a_turn) {
  MadeVocabulary made;
  const Token turn = made.add("<|im_end|>", 0, TokenKind::control);
  const Token plain = made.add("<|end|>", 0, TokenKind::normal);
  const Token named = made.add("over", 0, TokenKind::control);
  const Vocabulary vocabulary(made.gguf([named](MadeGguf& gguf) {
    set_usual_ids(gguf);
    gguf.set("tokenizer.ggml.eot_token_id", static_cast<std::uint32_t>(named));
  }));
  EXPECT_TRUE(vocabulary.ends_text(2));
  EXPECT_TRUE(vocabulary.ends_text(turn));
  EXPECT_TRUE(vocabulary.ends_text(named));
  EXPECT_FALSE(vocabulary.ends_text(plain)) << "a normal token is text";
  EXPECT_FALSE(vocabulary.ends_text(1));
}

TEST(Vocabulary, knows_the_ends_of_models_that_spell_them_otherwise) {
  MadeVocabulary made;
  for (const char* name :
       {"<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|EOT|>", "<｜end▁of▁sentence｜>"}) {
    const Token token = made.add(name, 0, TokenKind::control);
    EXPECT_TRUE(Vocabulary(made.gguf()).ends_text(token)) << name;
  }
}

TEST(Vocabulary, a_byte_level_one_is_written_in_letters) {
  MadeBpe made;
  made.types['b'] = static_cast<std::int32_t>(TokenKind::user_defined);
  made.types['c'] = static_cast<std::int32_t>(TokenKind::control);
  made.types['d'] = static_cast<std::int32_t>(TokenKind::unused);
  const Token byte = made.add("<0x62>", TokenKind::byte);
  const Token word = made.add("Ġword");
  const Vocabulary vocabulary(made.gguf(), VocabularyStyle::byte_level);
  EXPECT_EQ(vocabulary.byte_token(' '), ' ');
  EXPECT_EQ(vocabulary.byte_token(0xFF), 0xFF);
  EXPECT_EQ(vocabulary.byte_token('b'), byte) << "the user-defined one is the letter itself";
  EXPECT_FALSE(vocabulary.byte_token('c'));
  EXPECT_EQ(vocabulary.byte_token('d'), 'd');
  EXPECT_EQ(vocabulary.find_piece("Ġword"), word);
  EXPECT_FALSE(vocabulary.find_piece("b"));
}

TEST(Vocabulary, rejects_arrays_that_disagree) {
  MadeVocabulary made;
  made.scores.pop_back();
  expect_vocabulary_error(made.gguf(), "tokenizer.ggml.scores has 258 entries for 259 tokens");
  made = MadeVocabulary();
  made.types.push_back(1);
  expect_vocabulary_error(made.gguf(), "tokenizer.ggml.token_type has 260 entries for 259 tokens");
}

TEST(Vocabulary, rejects_what_is_missing) {
  MadeGguf gguf;
  gguf.set("tokenizer.ggml.model", std::string_view("llama"));
  expect_vocabulary_error(gguf.parse(), "tokenizer.ggml.tokens is missing");
  gguf.set("tokenizer.ggml.tokens", std::vector<std::string>{"a"});
  expect_vocabulary_error(gguf.parse(), "tokenizer.ggml.scores is missing");
  gguf.set("tokenizer.ggml.scores", std::vector<float>{0});
  expect_vocabulary_error(gguf.parse(), "tokenizer.ggml.token_type is missing");
  gguf.set("tokenizer.ggml.token_type", std::vector<std::int32_t>{1});
  expect_vocabulary_error(gguf.parse(), "tokenizer.ggml.unknown_token_id is missing");
}

TEST(Vocabulary, rejects_an_empty_vocabulary) {
  MadeVocabulary made;
  made.texts.clear();
  made.scores.clear();
  made.types.clear();
  expect_vocabulary_error(made.gguf(), "tokenizer.ggml.tokens is empty");
}

TEST(Vocabulary, rejects_bad_entries) {
  MadeVocabulary made;
  made.types[5] = 7;
  expect_vocabulary_error(made.gguf(), "tokenizer.ggml.token_type is 7 at 5");
  made = MadeVocabulary();
  made.scores[4] = std::numeric_limits<float>::quiet_NaN();
  expect_vocabulary_error(made.gguf(), "tokenizer.ggml.scores is not a number at 4");
  for (const char* bad : {"<0x0g>", "<0x1>", "<0x001>", "<0x+1>", "<0X41>", "<0x41"}) {
    made = MadeVocabulary();
    made.texts[3] = bad;
    expect_vocabulary_error(made.gguf(), "byte token, 3");
  }
}

TEST(Vocabulary, rejects_ids_outside) {
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                          "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.eot_token_id"}) {
    expect_vocabulary_error(MadeVocabulary().gguf([key](MadeGguf& gguf) { gguf.set(key, std::uint32_t{259}); }),
                            std::string(key) + " is 259, outside the vocabulary of 259 tokens");
  }
}

TEST(Vocabulary, rejects_a_bos_to_add_that_is_not_there) {
  expect_vocabulary_error(MadeVocabulary().gguf([](MadeGguf& gguf) { gguf.set("tokenizer.ggml.add_bos_token", true); }),
                          "tokenizer.ggml.add_bos_token is true");
}

}  // namespace
}  // namespace covey
