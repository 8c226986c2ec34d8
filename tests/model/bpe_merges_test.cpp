#include "model/bpe_merges.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"
#include "tests/error_of.hpp"
#include "tests/model/made_bpe.hpp"

namespace covey {
namespace {

std::string merges_error(const GgufFile& file) {
  const Vocabulary vocabulary(file, VocabularyStyle::byte_level);
  return error_of([&] { BpeMerges(file, vocabulary); });
}

void expect_merges_error(const GgufFile& file, const std::string& part) {
  const std::string error = merges_error(file);
  EXPECT_NE(error.find("made.gguf: tokenizer.ggml.merges " + part), std::string::npos) << error;
}

TEST(BpeMerges, pairs_in_the_order_of_the_list) {
  MadeBpe made;
  const Token ab = made.merge("a", "b");
  const Token space_a = made.merge(" ", "a");
  const GgufFile file = made.gguf();
  const Vocabulary vocabulary(file, VocabularyStyle::byte_level);
  const BpeMerges merges(file, vocabulary);
  const auto first = merges.find('a', 'b');
  ASSERT_TRUE(first);
  EXPECT_EQ(first->rank, 0U);
  EXPECT_EQ(first->token, ab);
  const auto second = merges.find(' ', 'a');
  ASSERT_TRUE(second);
  EXPECT_EQ(second->rank, 1U);
  EXPECT_EQ(second->token, space_a);
  EXPECT_FALSE(merges.find('b', 'a'));
  EXPECT_FALSE(merges.find(ab, 'a'));
}

TEST(BpeMerges, a_pair_listed_twice_counts_once) {
  MadeBpe made;
  made.merge("a", "b");
  made.merge("b", "c");
  made.merges.push_back("a b");
  const GgufFile file = made.gguf();
  const Vocabulary vocabulary(file, VocabularyStyle::byte_level);
  EXPECT_EQ(BpeMerges(file, vocabulary).find('a', 'b')->rank, 0U);
}

TEST(BpeMerges, many_are_all_found) {
  MadeBpe made;
  for (int left = 'a'; left <= 'z'; ++left) {
    for (int right = 'a'; right <= 'z'; ++right) {
      made.merge(std::string(1, static_cast<char>(left)), std::string(1, static_cast<char>(right)));
    }
  }
  const GgufFile file = made.gguf();
  const Vocabulary vocabulary(file, VocabularyStyle::byte_level);
  const BpeMerges merges(file, vocabulary);
  std::uint32_t rank = 0;
  for (Token left = 'a'; left <= 'z'; ++left) {
    for (Token right = 'a'; right <= 'z'; ++right) {
      ASSERT_TRUE(merges.find(left, right));
      EXPECT_EQ(merges.find(left, right)->rank, rank);
      EXPECT_EQ(merges.find(left, right)->token, static_cast<Token>(256 + rank));
      ++rank;
    }
  }
  EXPECT_FALSE(merges.find('A', 'a'));
}

TEST(BpeMerges, merges_with_special_tokens_never_come_to_pass) {
  MadeBpe made;
  made.add("ab", TokenKind::control);
  made.add("bc", TokenKind::user_defined);
  made.merges = {"a b", "b c", "ab c"};
  made.add("abc");
  const GgufFile file = made.gguf();
  const Vocabulary vocabulary(file, VocabularyStyle::byte_level);
  const BpeMerges merges(file, vocabulary);
  EXPECT_FALSE(merges.find('a', 'b'));
  EXPECT_FALSE(merges.find('b', 'c'));
  EXPECT_FALSE(merges.find(256, 'c'));
}

TEST(BpeMerges, none_is_fine_but_no_list_is_not) {
  EXPECT_EQ(merges_error(MadeBpe().gguf()), "(no error)");
  const MadeVocabulary made;
  expect_merges_error(made.gguf(), "is missing");
}

TEST(BpeMerges, what_is_wrong_is_named) {
  for (const char* bad : {"ab", "a ", " a", "", " "}) {
    MadeBpe made;
    made.merges.push_back(bad);
    expect_merges_error(made.gguf(), "has at 0 '" + std::string(bad) + "', which is not two texts");
  }
  MadeBpe made;
  made.merge("a", "b");
  made.merges.push_back("a c");
  expect_merges_error(made.gguf(), "has at 1 'a c', but 'ac' is not in the vocabulary");
  made.merges.back() = "xy z";
  expect_merges_error(made.gguf(), "has at 1 'xy z', but 'xy' is not in the vocabulary");
}

}  // namespace
}  // namespace covey
