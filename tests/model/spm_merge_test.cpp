#include "model/spm_merge.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

/// The rule as it reads: look at all neighbours, merge the best, begin again.
std::vector<std::string> merged_slowly(const Vocabulary& vocabulary, const std::string& letters) {
  std::vector<std::string> symbols;
  for (const char letter : letters) symbols.emplace_back(1, letter);
  while (true) {
    std::size_t best = symbols.size();
    float best_score = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const std::optional<Token> token = vocabulary.find_piece(symbols[i] + symbols[i + 1]);
      if (token && (best == symbols.size() || vocabulary.score(*token) > best_score)) {
        best = i;
        best_score = vocabulary.score(*token);
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(SpmMerge, merges_as_the_rule_says) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    MadeVocabulary made;
    for (const char* letter : {"a", "b", "c", "d"}) made.add(letter, 0);
    for (std::uint32_t left = random() % 12; left > 0; --left) {
      std::string text;
      for (std::uint32_t length = 2 + random() % 3; length > 0; --length) text += static_cast<char>('a' + random() % 4);
      made.add(text, static_cast<float>(random() % 4));
    }
    const Vocabulary vocabulary(made.gguf());
    const SpmMerge merge(vocabulary);
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::string letters;
      for (std::uint32_t left = random() % 30; left > 0; --left) letters += static_cast<char>('a' + random() % 4);
      std::vector<Token> tokens;
      merge.cut(letters, tokens);
      std::vector<std::string> texts;
      for (const Token token : tokens) texts.emplace_back(vocabulary.text(token));
      ASSERT_EQ(texts, merged_slowly(vocabulary, letters)) << letters;
    }
  }
}

TEST(SpmMerge, a_character_is_spelled_in_bytes_whole_or_not_at_all) {
  MadeVocabulary made(false);
  const Token lead = made.add("<0xC3>", 0, TokenKind::byte);
  made.add("<0xA9>", 0, TokenKind::byte);
  const Vocabulary vocabulary(made.gguf());
  std::vector<Token> tokens;
  SpmMerge(vocabulary).cut("éà", tokens);
  EXPECT_EQ(tokens, (std::vector<Token>{lead, lead + 1, 0}));
}

}  // namespace
}  // namespace covey
