#include "model/special_tokens.hpp"

#include <gtest/gtest.h>

#include <string>

namespace covey {
namespace {

/// The fragments as "text" or "[token]", joined by spaces.
std::string split_at(const SpecialTokens& tokens, std::string_view text) {
  std::string shown;
  for (const TextFragment& fragment : tokens.split(text)) {
    if (!shown.empty()) shown += ' ';
    shown += fragment.token ? "[" + std::to_string(*fragment.token) + "]" : std::string(fragment.text);
  }
  return shown;
}

TEST(SpecialTokens, without_any_the_text_stays_whole) {
  EXPECT_EQ(split_at({}, "abc"), "abc");
  EXPECT_TRUE(SpecialTokens().split("").empty());
}

TEST(SpecialTokens, cuts_them_out) {
  SpecialTokens tokens;
  tokens.add("<s>", 7);
  tokens.add("", 8);
  EXPECT_EQ(split_at(tokens, "<s>a<s><s>b<s"), "[7] a [7] [7] b<s");
}

TEST(SpecialTokens, the_longest_wins_wherever_it_begins) {
  SpecialTokens tokens;
  tokens.add("ab", 1);
  tokens.add("bcd", 2);
  tokens.add("abcde", 3);
  EXPECT_EQ(split_at(tokens, "abcdx"), "a [2] x");
  EXPECT_EQ(split_at(tokens, "abcde"), "[3]");
  EXPECT_EQ(split_at(tokens, "ababcd"), "[1] a [2]");
}

TEST(SpecialTokens, a_match_cut_off_by_a_longer_one_gives_way_to_a_shorter) {
  SpecialTokens tokens;
  tokens.add("aab", 1);
  tokens.add("a", 2);
  tokens.add("bcde", 3);
  EXPECT_EQ(split_at(tokens, "aabcde"), "[2] [2] [3]");
}

TEST(SpecialTokens, among_equal_lengths_the_lower_id_then_the_leftmost) {
  SpecialTokens tokens;
  tokens.add("xy", 5);
  tokens.add("yx", 4);
  tokens.add("xy", 1);  // known already
  EXPECT_EQ(split_at(tokens, "xyx"), "x [4]");
  SpecialTokens one;
  one.add("aa", 1);
  EXPECT_EQ(split_at(one, "aaaaa"), "[1] [1] a");
}

}  // namespace
}  // namespace covey
