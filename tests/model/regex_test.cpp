#include "model/regex.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"

namespace covey {
namespace {

using Pieces = std::vector<std::string_view>;

class Regexes : public testing::Test {
 protected:
  void SetUp() override {
    if (!Regex::available()) GTEST_SKIP() << "built without PCRE2";
  }
};

Pieces cut(std::string_view expression, const Pieces& texts) {
  Pieces pieces;
  Regex(expression).cut(texts, pieces);
  return pieces;
}

TEST_F(Regexes, matches_and_what_lies_between) {
  EXPECT_EQ(cut("[0-9]+", {"ab12c3"}), (Pieces{"ab", "12", "c", "3"}));
  EXPECT_EQ(cut("[0-9]+", {"12", "ab"}), (Pieces{"12", "ab"}));
  EXPECT_EQ(cut("[0-9]+", {}), Pieces{});
  EXPECT_EQ(cut("[0-9]+", {""}), Pieces{});
}

TEST_F(Regexes, each_text_by_itself) {
  EXPECT_EQ(cut("^a", {"aa", "a"}), (Pieces{"a", "a", "a"}));
  EXPECT_EQ(cut(R"(b\z)", {"bb", "b"}), (Pieces{"b", "b", "b"}));
  EXPECT_EQ(cut("a(?!b)", {"a", "b"}), (Pieces{"a", "b"}));
}

TEST_F(Regexes, the_last_match_or_its_group) {
  EXPECT_EQ(Regex("[0-9]+").last_match("a1b22c"), "22");
  EXPECT_EQ(Regex("is ([a-z]+)").last_match("it is one, it is two."), "two");
  EXPECT_EQ(Regex("a(x)?b").last_match("ab"), "ab") << "a group that takes no part";
  EXPECT_EQ(Regex("x").last_match("abc"), std::nullopt);
  EXPECT_EQ(Regex("x").last_match("x\xFF"), std::nullopt) << "no valid text";
}

TEST_F(Regexes, nothing_is_no_match) { EXPECT_EQ(cut("b*", {"abba"}), (Pieces{"a", "bb", "a"})); }

TEST_F(Regexes, characters_are_unicodes) {
  EXPECT_EQ(cut(R"(\p{L}+)", {"éä1你好!"}), (Pieces{"éä", "1", "你好", "!"}));
  EXPECT_EQ(cut(R"(\s+)", {"a\u3000\u00A0b"}), (Pieces{"a", "\u3000\u00A0", "b"}));
  EXPECT_EQ(cut(".", {"é😀"}), (Pieces{"é", "😀"}));
}

TEST_F(Regexes, what_is_no_character_stays_whole) {
  EXPECT_EQ(cut(".", {"\xFF\xFE", "ab", "\xC3"}), (Pieces{"\xFF\xFE", "a", "b", "\xC3"}));
}

TEST_F(Regexes, long_matches_that_need_much_memory) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "ab";
  text += 'c';
  EXPECT_EQ(cut("(?:a|b)+c", {text}), Pieces{text});
}

TEST_F(Regexes, too_many_steps_are_an_error) {
  std::string text(100, 'a');
  text += 'b';
  try {
    cut("(a|aa)+$", {text});
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string what = error.what();
    for (const char* part : {"(a|aa)+$", "101 bytes", "limit"}) EXPECT_NE(what.find(part), std::string::npos) << what;
  }
}

TEST_F(Regexes, what_is_no_expression_is_named) {
  try {
    const Regex regex("a(b");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("a(b is wrong at 3: "), std::string::npos) << error.what();
  }
}

TEST(RegexesNotBuilt, say_how_to_have_them) {
  if (Regex::available()) GTEST_SKIP() << "built with PCRE2";
  EXPECT_THROW(Regex("a"), Error);
}

}  // namespace
}  // namespace covey
