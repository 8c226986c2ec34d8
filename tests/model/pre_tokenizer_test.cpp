#include "model/pre_tokenizer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace covey {
namespace {

class PreTokenizers : public testing::Test {
 protected:
  void SetUp() override {
    if (!Regex::available()) GTEST_SKIP() << "built without PCRE2";
  }
};

/// The pieces, "|" between them.
std::string split(std::string_view name, std::string_view text) {
  std::string shown;
  for (const std::string_view piece : PreTokenizer(*find_pre_tokenizer_rule(name)).split(text)) {
    if (!shown.empty()) shown += '|';
    shown += piece;
  }
  return shown;
}

TEST_F(PreTokenizers, gpt_2) {
  EXPECT_EQ(split("gpt-2", "Hello world, again"), "Hello| world|,| again");
  EXPECT_EQ(split("gpt-2", "I'll say don't 'RE we've"), "I|'ll| say| don|'t| '|RE| we|'ve");
  EXPECT_EQ(split("gpt-2", "a 1234,5"), "a| 1234|,|5");
  EXPECT_EQ(split("gpt-2", "a   b \n c  "), "a|  | b| \n| c|  ");
  EXPECT_EQ(split("gpt-2", "你好 世界😀!"), "你好| 世界|😀!");
  EXPECT_EQ(split("gpt-2", "e\u0301"), "e|\u0301") << "a combining accent is no letter";
}

TEST_F(PreTokenizers, llama_bpe) {
  EXPECT_EQ(split("llama-bpe", "I'LL pay 12345!"), "I|'LL| pay| |123|45|!");
  EXPECT_EQ(split("llama-bpe", "(word)\tx"), "(word|)|\tx");
  EXPECT_EQ(split("llama-bpe", "end!\n\nNext"), "end|!\n\n|Next");
  EXPECT_EQ(split("llama-bpe", "a \n\n  b"), "a| \n\n| | b");
  EXPECT_EQ(split("llama-bpe", "我想12工作😀 天"), "我想|12|工作|😀| 天");
  EXPECT_EQ(split("smaug-bpe", "x 12345"), "x| |123|45");
}

TEST_F(PreTokenizers, qwen2) {
  EXPECT_EQ(split("qwen2", "I'm 123"), "I|'m| |1|2|3");
  EXPECT_EQ(split("qwen2", "x == y\n"), "x| ==| y|\n");
  EXPECT_EQ(split("qwen2", "你好，世界"), "你好|，世界");
}

TEST_F(PreTokenizers, smollm_starcoder_and_refact) {
  for (const char* name : {"smollm", "starcoder", "refact"}) {
    EXPECT_EQ(split(name, "x 123 y's"), "x| |1|2|3| y|'s");
    EXPECT_EQ(split(name, "½ 😀 你"), "½| 😀| 你");
  }
}

TEST_F(PreTokenizers, deepseek_llm) {
  EXPECT_EQ(split("deepseek-llm", "Hello world\n\n12"), "Hello| world|\n|\n|1|2");
  EXPECT_EQ(split("deepseek-llm", "don't"), "don|'|t");
  EXPECT_EQ(split("deepseek-llm", "Café Äpfel"), "Caf|é| Ä|pfel") << "signs from \":\" to \"~\" hold the letters";
  EXPECT_EQ(split("deepseek-llm", " 你好，世界!"), " |你好|，|世界|!");
  EXPECT_EQ(split("deepseek-llm", "a   1  "), "a|   |1|  ");
  EXPECT_EQ(split("deepseek-llm", "я 😀"), "я| 😀");
  EXPECT_EQ(split("deepseek-llm", "ա"), "ա") << "Armenian small letters are not listed";
}

TEST_F(PreTokenizers, deepseek_coder) {
  EXPECT_EQ(split("deepseek-coder", "don't 42"), "don|'|t| |4|2");
  EXPECT_EQ(split("deepseek-coder", "x = (y)\n\n"), "x| =| (|y|)|\n|\n");
  EXPECT_EQ(split("deepseek-coder", "Café 你好"), "Café| |你好");
}

TEST_F(PreTokenizers, falcon) {
  EXPECT_EQ(split("falcon", "x+y 12345."), "x|+|y| |123|45|.");
  EXPECT_EQ(split("falcon", "I'll `go`"), "I|'|ll| |`|go|`");
  EXPECT_EQ(split("falcon", "a  你好😀"), "a| | 你好|😀");
}

TEST_F(PreTokenizers, tekken) {
  EXPECT_EQ(split("tekken", "camelCase HTMLElement ABC"), "camel|Case| HTMLElement| ABC");
  EXPECT_EQ(split("tekken", "don't 12"), "don|'t| |1|2");
  EXPECT_EQ(split("tekken", "a//\nb"), "a|//\n|b");
  EXPECT_EQ(split("tekken", "我想e\u0301"), "我想e\u0301");
}

TEST_F(PreTokenizers, gpt_4o) {
  EXPECT_EQ(split("gpt-4o", "don't 1234 HELLO'S"), "don't| |123|4| HELLO'S");
  EXPECT_EQ(split("gpt-4o", "camelCase"), "camel|Case");
}

TEST_F(PreTokenizers, the_default) { EXPECT_EQ(split("default", "x+y 12345. z"), "x|+|y| |123|45|.| z"); }

TEST_F(PreTokenizers, pieces_add_up_to_the_text_whatever_it_is) {
  static const std::string_view parts[] = {"a",      "B",    "é",      "你", "1",  "½",    " ",    "  ",
                                           "\n",     "\r\n", "\t",     "'s", "'",  "!",    "+",    "😀",
                                           "\u00A0", "ա",    "\u0301", "/",  "\0", "\xFF", "\xC3", "\xE4\xBD"};
  std::mt19937 random(5);
  for (const PreTokenizerRule& rule : pre_tokenizer_rules()) {
    const PreTokenizer pre_tokenizer(rule);
    for (int round = 0; round < 300; ++round) {
      std::string text;
      for (std::uint32_t left = random() % 20; left > 0; --left) text += parts[random() % std::size(parts)];
      std::string together;
      for (const std::string_view piece : pre_tokenizer.split(text)) {
        ASSERT_FALSE(piece.empty()) << rule.names[0];
        together += piece;
      }
      ASSERT_EQ(together, text) << rule.names[0];
    }
  }
}

TEST_F(PreTokenizers, bytes_that_are_no_character_stand_alone) {
  EXPECT_EQ(split("gpt-2", "ab\xFF\xFE cd\xC3"), "ab|\xFF\xFE| cd|\xC3");
}

// Looking at each place of a long run again would take hours.
TEST_F(PreTokenizers, long_runs) {
  constexpr std::size_t kLength = 1000000;
  const std::string letters(kLength, 'a');
  std::string spaces(kLength, ' '), capitals(kLength, 'A');
  spaces += '1';
  capitals += '\xFF';
  for (const PreTokenizerRule& rule : pre_tokenizer_rules()) {
    const PreTokenizer pre_tokenizer(rule);
    EXPECT_EQ(pre_tokenizer.split(letters).size(), 1U) << rule.names[0];
    EXPECT_EQ(pre_tokenizer.split(capitals).size(), 2U) << rule.names[0];
    EXPECT_LE(pre_tokenizer.split(spaces).size(), 3U) << rule.names[0];
  }
}

TEST(PreTokenizerRules, every_name_leads_to_its_rule) {
  std::set<std::string_view> names;
  for (const PreTokenizerRule& rule : pre_tokenizer_rules()) {
    EXPECT_FALSE(rule.names[0].empty());
    EXPECT_FALSE(rule.expressions[0].empty());
    for (const std::string_view name : rule.names) {
      if (name.empty()) continue;
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_EQ(find_pre_tokenizer_rule(name), &rule) << name;
      EXPECT_NE((", " + known_pre_tokenizers() + ",").find(", " + std::string(name) + ","), std::string::npos);
    }
  }
  EXPECT_EQ(find_pre_tokenizer_rule(""), nullptr);
  EXPECT_EQ(find_pre_tokenizer_rule("gpt-3"), nullptr);
}

}  // namespace
}  // namespace covey
