#include <gtest/gtest.h>

#include <random>
#include <set>

#include "model/spm_tokenizer.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

std::string utf8(std::uint32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  const auto low = [code](int shift) { return static_cast<char>(0x80 | (code >> shift & 63)); };
  if (code < 0x10000) return {static_cast<char>(0xE0 | code >> 12), low(6), low(0)};
  return {static_cast<char>(0xF0 | code >> 18), low(12), low(6), low(0)};
}

/// Every character, and every proper beginning of one, written out: what the tests decode by.
struct AllCharacters {
  std::set<std::string> whole, begun;
  AllCharacters() {
    for (std::uint32_t code = 0; code < 0x110000; ++code) {
      if (code >= 0xD800 && code < 0xE000) continue;
      // The last byte of long characters is free, so that one of them stands for all 64.
      if (code >= 0x800 && (code & 63) != 0) continue;
      const std::string text = utf8(code);
      whole.insert(text);
      for (std::size_t n = 1; n < text.size(); ++n) begun.insert(text.substr(0, n));
    }
  }
  bool is_whole(std::string text) const {
    if (text.size() > 2 && (text.back() & 0xC0) == 0x80) text.back() = static_cast<char>(0x80);
    return whole.count(text) == 1;
  }
};

const AllCharacters& all_characters() {
  static const AllCharacters instance;
  return instance;
}

/// The whole text at once, each maximal subpart replaced.
std::string replaced(const std::string& text) {
  const AllCharacters& all = all_characters();
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t whole = 0, begun = 1;
    for (std::size_t n = 1; n <= 4 && i + n <= text.size(); ++n) {
      if (all.is_whole(text.substr(i, n))) whole = n;
      if (all.begun.count(text.substr(i, n)) == 1) begun = n;
    }
    result += whole > 0 ? text.substr(i, whole) : "\xEF\xBF\xBD";
    i += whole > 0 ? whole : begun;
  }
  return result;
}

bool valid(const std::string& text) { return replaced(text) == text; }

Token byte(std::uint8_t value) { return 3 + value; }

TEST(Detokenizer, holds_back_half_a_character) {
  const SpmTokenizer tokenizer(MadeVocabulary().gguf(set_usual_ids));
  Detokenizer detokenizer(tokenizer, true);
  EXPECT_EQ(detokenizer.push(byte(0xF0)), "");
  EXPECT_EQ(detokenizer.push(byte(0x9F)), "");
  EXPECT_EQ(detokenizer.push(byte(0x98)), "");
  EXPECT_EQ(detokenizer.push(byte(0x80)), "\U0001F600");
  EXPECT_EQ(detokenizer.push(byte(0xE2)), "");
  EXPECT_EQ(detokenizer.push(byte('a')), "\uFFFDa");
  EXPECT_EQ(detokenizer.push(byte(0xE2)), "");
  EXPECT_EQ(detokenizer.push(byte(0x82)), "");
  EXPECT_EQ(detokenizer.finish(), "\uFFFD");
  EXPECT_EQ(detokenizer.finish(), "");
}

TEST(Detokenizer, drops_the_added_space_only_at_the_start_of_a_text) {
  MadeVocabulary made;
  const Token word = made.add("▁word", 0);
  const SpmTokenizer tokenizer(made.gguf(set_usual_ids));
  Detokenizer start(tokenizer, true);
  EXPECT_EQ(start.push(1), "") << "BOS";
  EXPECT_EQ(start.push(word), "word");
  EXPECT_EQ(start.push(word), " word");
  Detokenizer later(tokenizer, false);
  EXPECT_EQ(later.push(word), " word");
  const SpmTokenizer plain(made.gguf([](MadeGguf& gguf) { gguf.set("tokenizer.ggml.add_space_prefix", false); }));
  EXPECT_EQ(Detokenizer(plain, true).push(word), " word");
}

TEST(Detokenizer, control_tokens_show_on_request) {
  const SpmTokenizer tokenizer(MadeVocabulary().gguf(set_usual_ids));
  EXPECT_EQ(Detokenizer(tokenizer, true).push(2), "");
  EXPECT_EQ(Detokenizer(tokenizer, true, true).push(2), "</s>");
}

/// Random bytes, rich in pieces of characters.
std::string random_text(std::mt19937& random) {
  static const std::string pieces[] = {"a",        "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                       "\xE0\x9F", "\xED\xA0", "\xF4\x90",     "\xF0\x9F"};
  std::string text;
  for (std::uint32_t left = random() % 12; left > 0; --left) {
    const std::string& piece = pieces[random() % std::size(pieces)];
    text += random() % 2 == 0 ? piece.substr(0, random() % (piece.size() + 1))
                              : std::string(1, static_cast<char>(random()));
  }
  return text;
}

// Each text becomes a vocabulary of arbitrary cuts of it, whole characters or not.
TEST(Detokenizer, however_a_text_is_cut_what_comes_out_is_valid_and_the_same) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(random);
    MadeVocabulary made(false);
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t length = std::min<std::size_t>(1 + random() % 4, text.size() - i);
      tokens.push_back(made.add(text.substr(i, length), 0, TokenKind::user_defined));
      i += length;
    }
    const SpmTokenizer tokenizer(made.gguf());
    Detokenizer detokenizer(tokenizer, false);
    std::string together;
    for (const Token token : tokens) {
      const std::string part = detokenizer.push(token);
      ASSERT_TRUE(valid(part)) << testing::PrintToString(text);
      together += part;
    }
    const std::string rest = detokenizer.finish();
    ASSERT_TRUE(valid(rest));
    ASSERT_EQ(together + rest, replaced(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace covey
