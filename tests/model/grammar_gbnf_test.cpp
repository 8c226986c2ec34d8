#include "model/grammar/gbnf.hpp"

#include <gtest/gtest.h>

#include "grammar_fixtures.hpp"

namespace covey::grammar {
namespace {

struct Notation {
  const char* grammar;
  std::vector<std::string> texts;
  std::vector<std::string> others;
};

TEST(Gbnf, EachNotationMeansWhatItSays) {
  const std::vector<Notation> notations = {
      {"root ::= \"ab\"", {"ab"}, {"", "a", "abc", "b"}},
      {"root ::= \"a\" | \"b\" \"c\"", {"a", "bc"}, {"b", "ab", "ac"}},
      {"root ::= (\"a\" | \"b\") \"c\"", {"ac", "bc"}, {"a", "c"}},
      {"root ::= \"a\"* \"b\"+ \"c\"?", {"b", "aab", "bbc"}, {"", "a", "c", "bcc"}},
      {"root ::= \"ab\"{2}", {"abab"}, {"ab", "ababab"}},
      {"root ::= [ab]{2,}", {"ab", "bbbb"}, {"a", "abc"}},
      {"root ::= [ab]{ 1 , 3 }", {"a", "bab"}, {"", "abab"}},
      {"root ::= \"a\"{0,0} \"b\"", {"b"}, {"ab"}},
      {"root ::= (\"a\"{2}){0,2}", {"", "aa", "aaaa"}, {"a", "aaa"}},
      {"root ::= \"a\"?*", {"", "aaa"}, {"b"}},
      {"root ::= ((\"a\" | ) *)* \"b\"", {"b", "aab"}, {"a"}},
      {"root ::= [a-cx_-]+", {"abc", "x-_"}, {"d", "abd"}},
      {"root ::= [^a-c\\n]", {"d", "\t", "ä", "😀"}, {"b", "\n", "dd"}},
      {"root ::= . \".\"", {"x.", "\n.", "漢."}, {".", "xx"}},
      {R"(root ::= "\n\t\r\"\\\[\]" [\]\-\^])", {"\n\t\r\"\\[]]", "\n\t\r\"\\[]^"}, {"\n\t\r\"\\[]a"}},
      {R"(root ::= "\x41\u00e4\U0001F600" [\u4e00-\u9fff])", {"Aä😀漢"}, {"Aä😀a", "A\xE4"}},
      {"root ::= [ä-ü] \"ß\"", {"öß"}, {"aß"}},
      {"# a comment\nroot ::= # another\n  one\n  | (two\n  one) # last\n\none ::= \"1\" two-2 ::= \"\" two ::= \"2\"",
       {"1", "21"},
       {"2"}},
      {"root ::= \"a\" root \"b\" | \"\"", {"", "aabb"}, {"aab", "ba"}},
      {"root ::= \"a\" root | \"b\"", {"b", "aaaab"}, {"a"}},
      {"root ::= | \"x\"\n  | \"y\"", {"", "x", "y"}, {"xy"}},
  };
  for (const Notation& notation : notations) {
    Recogniser recognise(gbnf(notation.grammar));
    for (const std::string& text : notation.texts)
      EXPECT_TRUE(recognise.whole(text)) << notation.grammar << ": " << text;
    for (const std::string& text : notation.others) {
      EXPECT_FALSE(recognise.whole(text)) << notation.grammar << ": " << text;
    }
  }
}

struct Mistake {
  std::string grammar;
  const char* message;
};

TEST(Gbnf, MistakesAreNamedWithLineAndColumn) {
  const std::vector<Mistake> mistakes = {
      {"", "line 1, column 1: there is no rule 'root'"},
      {"a ::= \"x\"", "there is no rule 'root'"},
      {"root ::= \"x\"\n  other", "line 2, column 3: rule 'other' is not defined"},
      {"root ::= \"ä\" other", "line 1, column 14: rule 'other'"},
      {"root ::= \"x\"\nroot ::= \"y\"", "line 2, column 1: rule 'root' is defined twice"},
      {"root = \"x\"", "line 1, column 1: a rule is expected here"},
      {"root ::= \"x", "line 1, column 12: the text ends inside quotes"},
      {"root ::= \"x\ny\"", "line 1, column 12: a literal ends on its line"},
      {"root ::= [ab", "column 13: the text ends inside quotes or brackets"},
      {"root ::= [b-a]", "column 11: the range ends before it begins"},
      {"root ::= []", "column 10: no character is of this class"},
      {"root ::= \"\\q\"", "column 11: an unknown escape"},
      {"root ::= \"\\x4\"", "column 11: the escape needs 2 hexadecimal digits"},
      {"root ::= \"\\ud800\"", "column 11: no character has this number"},
      {"root ::= \"\xE4\"", "column 11: this is no UTF-8"},
      {"root ::= (\"a\" | \"b\"", "column 10: this '(' is not closed"},
      {"root ::= \"a\")", "column 13: this ')' closes nothing"},
      {"root ::= \"a\" % \"b\"", "column 14: a literal"},
      {"root ::= \"a\"{", "column 14: a number is missing"},
      {"root ::= \"a\"{3", "column 15: '}' is missing"},
      {"root ::= \"a\"{3,2}", "column 13: the repetition ends before it begins"},
      {"root ::= \"a\"{99999999999}", "column 14: too many repetitions"},
      {"root ::= \"a\"*****", "too many signs of repetition"},
      {"root ::= * \"a\"", "column 10: a literal"},
      {"root ::= root \"a\" | \"b\"", "line 1, column 1: rule 'root' begins with itself:"},
      {"root ::= \"\"? a\na ::= [x]* b \"x\"\nb ::= a", "line 2, column 1: rule 'a' begins with itself, through 'b':"},
      {"root ::= a\na ::= \"x\" a | \"y\" a", "never ends"},
      {"root ::= " + std::string(100, '(') + "\"a\"" + std::string(100, ')'), "nest too deep"},
      {std::string((1 << 20) + 1, ' '), "at most 1 MiB"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string message = error_text([&] { gbnf(mistake.grammar); });
    EXPECT_NE(message.find(mistake.message), std::string::npos) << mistake.grammar.substr(0, 80) << "\n" << message;
    EXPECT_TRUE(message.starts_with("test: ")) << message;
  }
}

TEST(Gbnf, SizesAreBounded) {
  std::string many = "root ::= \"a\"";
  for (int i = 0; i < 20000; ++i) many += "\nr" + std::to_string(i) + " ::= \"a\"";
  EXPECT_NE(error_text([&] { gbnf(many); }).find("too many rules"), std::string::npos);
  const Rules large = gbnf(
      "root ::= ((\"a\"{60000} \"b\"){60000} [cd]{60000}){60000} (\"e\" | \"f\"{60000}){60000}\n"
      "x ::= " +
      [] {
        std::string text;
        for (int i = 0; i < 40; ++i) text += " ([ab] [cd]){60000}";
        return text;
      }());
  EXPECT_NE(error_text([&] { automaton(large); }).find("too large"), std::string::npos);
}

TEST(Gbnf, RulesThatBeginAlikeInTooManyWaysAreRefused) {
  std::string text = "root ::= r0";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "r" + std::to_string(i + 1);
    text += "\nr" + std::to_string(i) + " ::= " + next + " \"x\" | " + next + " \"y\"";
  }
  const Rules rules = gbnf(text + "\nr40 ::= \"z\"");
  EXPECT_NE(error_text([&] { StateSpace space(automaton(rules)); }).find("too many ways"), std::string::npos);
}

}  // namespace
}  // namespace covey::grammar
