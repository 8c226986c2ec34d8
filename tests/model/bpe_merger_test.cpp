#include "model/bpe_merger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "tests/model/made_bpe.hpp"

namespace covey {
namespace {

using Tokens = std::vector<Token>;

struct LoadedMerges {
  explicit LoadedMerges(const MadeBpe& made)
      : file(made.gguf()), vocabulary(file, VocabularyStyle::byte_level), merges(file, vocabulary) {}

  Tokens cut(std::string_view piece) const {
    Tokens tokens;
    BpeMerger(vocabulary, merges).cut(piece, tokens);
    return tokens;
  }

  GgufFile file;
  Vocabulary vocabulary;
  BpeMerges merges;
};

/// The rule as it reads: look at all neighbours, merge the first in the list, begin again.
std::vector<std::string> merged_slowly(const std::vector<std::string>& merges, const std::string& letters) {
  std::vector<std::string> symbols;
  for (const char letter : letters) symbols.emplace_back(1, letter);
  while (true) {
    std::size_t best = symbols.size();
    auto best_rank = merges.end();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto rank = std::find(merges.begin(), merges.end(), symbols[i] + " " + symbols[i + 1]);
      if (rank < best_rank) {
        best = i;
        best_rank = rank;
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(BpeMerger, merges_as_the_rule_says) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    MadeBpe made;
    std::vector<std::string> known = {"a", "b", "c"};
    for (std::uint32_t left = random() % 12; left > 0; --left) {
      const std::string first = known[random() % known.size()], second = known[random() % known.size()];
      made.merge(first, second);
      known.push_back(first + second);
    }
    std::shuffle(made.merges.begin(), made.merges.end(), random);  // also orders that no training gives
    const LoadedMerges all(made);
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::string letters;
      for (std::uint32_t left = random() % 30; left > 0; --left) letters += static_cast<char>('a' + random() % 3);
      std::vector<std::string> texts;
      for (const Token token : all.cut(letters)) texts.emplace_back(all.vocabulary.text(token));
      ASSERT_EQ(texts, merged_slowly(made.merges, letters)) << letters;
    }
  }
}

TEST(BpeMerger, pieces_one_after_the_other) {
  MadeBpe made;
  const Token ab = made.merge("a", "b");
  const LoadedMerges all(made);
  BpeMerger merger(all.vocabulary, all.merges);
  Tokens tokens;
  for (const char* piece : {"ab", "", "ba", "abab"}) merger.cut(piece, tokens);
  EXPECT_EQ(tokens, (Tokens{ab, 'b', 'a', ab, ab}));
}

TEST(BpeMerger, bytes_without_a_token_are_left_out) {
  MadeBpe made;
  made.texts['x'] = "unused";
  EXPECT_EQ(LoadedMerges(made).cut("axb"), (Tokens{'a', 'b'}));
  EXPECT_EQ(LoadedMerges(made).cut("x"), Tokens{});
}

// Looking at all neighbours for each merge would take hours here.
TEST(BpeMerger, a_piece_of_a_million_bytes) {
  constexpr std::size_t kLength = std::size_t{1} << 20U;
  MadeBpe made;
  std::string run = "a";
  Token last = 'a';
  for (; run.size() < 64; run += run) last = made.merge(run, run);
  EXPECT_EQ(LoadedMerges(made).cut(std::string(kLength, 'a')), Tokens(kLength / 64, last));
}

}  // namespace
}  // namespace covey
