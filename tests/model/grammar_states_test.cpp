#include <gtest/gtest.h>

#include <random>
#include <set>

#include "grammar_fixtures.hpp"
#include "model/grammar/constraint.hpp"
#include "model/jinja/characters.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::grammar {
namespace {

/// By trying everything: where a match of `expression` that begins at `begin` may end.
std::set<std::size_t> ends_of(const Rules& rules, const Expression& expression, std::string_view text,
                              std::size_t begin) {
  using Kind = Expression::Kind;
  switch (expression.kind) {
    case Kind::characters: {
      std::string_view rest = text.substr(begin);
      if (rest.empty()) return {};
      const std::string_view first = jinja::take_character(rest);
      if (!expression.set.contains(jinja::code_point(first))) return {};
      return {begin + first.size()};
    }
    case Kind::literal:
      if (!text.substr(begin).starts_with(expression.text)) return {};
      return {begin + expression.text.size()};
    case Kind::sequence: {
      std::set<std::size_t> ends{begin};
      for (const Expression& part : expression.parts) {
        std::set<std::size_t> next;
        for (const std::size_t at : ends) next.merge(ends_of(rules, part, text, at));
        ends = next;
      }
      return ends;
    }
    case Kind::choice: {
      std::set<std::size_t> ends;
      for (const Expression& part : expression.parts) ends.merge(ends_of(rules, part, text, begin));
      return ends;
    }
    case Kind::repeat: {
      std::set<std::size_t> all, ends{begin};
      // Beyond the text's length, repetitions add nothing new.
      for (std::uint32_t i = 0; i <= std::min<std::size_t>(expression.most, expression.least + text.size()); ++i) {
        if (i >= expression.least) all.insert(ends.begin(), ends.end());
        std::set<std::size_t> next;
        for (const std::size_t at : ends) next.merge(ends_of(rules, expression.parts[0], text, at));
        ends = next;
      }
      return all;
    }
    case Kind::rule:
      return ends_of(rules, rules.rules[expression.rule].body, text, begin);
  }
  return {};
}

TEST(GrammarStates, AgreeWithTryingEverything) {
  const std::vector<std::string> grammars = {
      "root ::= \"a\" root \"b\" | \"c\"? \"a\"",
      "root ::= (\"a\" | \"ab\" | \"abc\")* \"c\"?",
      "root ::= x{1,3} y*\nx ::= \"a\" | \"b\" x?\ny ::= [bc] x",
      "root ::= (a | b)+ \"c\"{2,}\na ::= [ab]{2} | \"\"\nb ::= \"b\" a \"c\"",
      "root ::= ([^a] | \"aa\")* (\"b\" (\"c\" root)?)?",
      "root ::= \"a\"{0,2} (\"b\"? \"a\"?){2,3} \"c\"*",
      "root ::= l\nl ::= \"a\" r\nr ::= \"b\" l | \"c\" | \"b\" r \"c\"",
  };
  for (const std::string& grammar : grammars) {
    const Rules rules = gbnf(grammar);
    Recogniser recognise(rules);
    std::set<std::string> beginnings;
    std::vector<std::string> texts{""};
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].size() < 6) {
        for (const char* letter : {"a", "b", "c"}) texts.push_back(texts[i] + letter);
      }
    }
    for (const std::string& text : texts) {
      const bool whole = ends_of(rules, rule_reference(rules.root), text, 0).contains(text.size());
      EXPECT_EQ(recognise.whole(text), whole) << grammar << ": " << text;
      for (std::size_t length = 0; whole && length <= text.size(); ++length) beginnings.insert(text.substr(0, length));
    }
    for (const std::string& text : beginnings) EXPECT_NE(recognise(text), Verdict::no) << grammar << ": " << text;
  }
}

TEST(GrammarStates, CharactersAreTheirUtf8AndNothingElse) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<CodeSet::Range> ranges;
    for (int i = 0; i < 4; ++i) {
      const char32_t limit = i % 2 == 0 ? 0x1000 : 0x110000;
      const char32_t first = random() % limit;
      ranges.push_back({first, static_cast<char32_t>(first + random() % (limit / 8))});
    }
    const CodeSet set(ranges);
    Rules rules;
    rules.rules.push_back({"root", characters(set), true, 0});
    Recogniser recognise(rules);
    const auto check = [&](char32_t code) {
      std::string text;
      append_utf8(text, code);
      ASSERT_EQ(recognise.whole(text), set.contains(code)) << static_cast<std::uint32_t>(code);
    };
    for (char32_t code = 0; code <= 0x10FFFF; code += 1 + random() % 512) {
      if (code < 0xD800 || code > 0xDFFF) check(code);
    }
    for (const CodeSet::Range& range : set.ranges()) {
      check(range.first);
      check(range.last);
    }
    for (const char* wrong : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xFF", "\xE0\x80\x80"}) {
      ASSERT_EQ(recognise(wrong), Verdict::no);
    }
  }
}

TEST(GrammarStates, StatesRepeatWhateverTheTextsLength) {
  StateSpace space(automaton(gbnf("root ::= \"[\" item (\",\" item)* \"]\"\nitem ::= [a-z]+ | root")));
  StateId state = space.next(space.start(), '[');
  std::set<StateId> seen;
  for (int i = 0; i < 1000; ++i) {
    for (const char c : std::string_view("ab,")) {
      state = space.next(state, static_cast<std::uint8_t>(c));
      seen.insert(state);
    }
  }
  EXPECT_EQ(seen.size(), 2U);
  // Calls at the end of a rule take no place on the stack.
  StateSpace list(automaton(gbnf("root ::= \"a\" root | \"b\"")));
  const StateId once = list.next(list.start(), 'a');
  EXPECT_EQ(list.next(once, 'a'), once);
}

struct Masked {
  explicit Masked(std::string_view text, const Tokenizer& tokenizer, std::size_t bytes = MaskCache::kMostBytes)
      : cache(std::make_shared<MaskCache>(automaton(gbnf(text)), std::make_shared<const TokenTrie>(tokenizer), bytes)) {
  }
  std::shared_ptr<MaskCache> cache;
};

constexpr std::string_view kJsonGrammar = R"(
root ::= ws value
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? ws "}"
array ::= "[" ws (value ("," ws value)*)? ws "]"
string ::= "\"" ([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)?
ws ::= [ \t\n]{0,4}
)";

/// Bytes, and every two to five bytes that follow each other in some JSON.
ListTokenizer json_vocabulary() {
  const std::string sample = R"({"name": "Zoë \"漢\" 😀", "list": [1, -2.5e+10, true, null, {"a":{}}], "e": [[]]})";
  std::set<std::string> more;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    for (std::size_t length = 2; length <= 5; ++length) more.insert(sample.substr(i, length));
  }
  std::vector<std::string> pieces(more.begin(), more.end());
  pieces.emplace_back("tr");  // twice the same text
  return byte_vocabulary(pieces);
}

bool has(const TokenMask& mask, Token token) {
  return (mask[static_cast<std::size_t>(token) / 64] >> (static_cast<std::size_t>(token) % 64) & 1U) != 0;
}

void compare_masks(const ListTokenizer& tokenizer, MaskCache& cache, Constraint constraint, std::uint32_t seed) {
  KeptState at = cache.start();
  std::mt19937 random(seed);
  std::string text;
  for (int step = 0; step < 100; ++step) {
    const TokenMask mask = cache.mask(at);
    std::vector<Token> allowed;
    for (Token token = 0; token < tokenizer.size(); ++token) {
      ASSERT_EQ(has(mask, token), cache.after(at, token).state != kNoState) << text << " + " << token;
      ASSERT_EQ(constraint.allows(token), token == 0 ? at.space->may_end(at.state) : has(mask, token));
      if (has(mask, token)) allowed.push_back(token);
    }
    ASSERT_EQ(constraint.finished(), allowed.empty());
    if (allowed.empty()) return;
    const Token token = allowed[random() % allowed.size()];
    text += tokenizer.piece(token, false);
    at = cache.after(at, token);
    constraint.accept(token);
  }
}

TEST(GrammarMasks, EqualTryingEachToken) {
  const ListTokenizer tokenizer = json_vocabulary();
  // Little memory: every state is given up and taken over all the time.
  for (const std::size_t bytes : {MaskCache::kMostBytes, std::size_t{20000}, std::size_t{1}}) {
    Masked masked(kJsonGrammar, tokenizer, bytes);
    for (std::uint32_t seed = 0; seed < (bytes == 1 ? 2U : 10U); ++seed) {
      compare_masks(tokenizer, *masked.cache, Constraint(masked.cache, true), seed);
    }
    EXPECT_LE(masked.cache->masks(), bytes == 1 ? 1U : 10000U);
  }
}

TEST(GrammarMasks, AreComputedOncePerState) {
  const ListTokenizer tokenizer = byte_vocabulary();
  Masked masked("root ::= \"\\\"\" [a-z]* \"\\\"\"", tokenizer);
  std::vector<float> scores(static_cast<std::size_t>(tokenizer.size()));
  Constraint constraint(masked.cache, true);
  constraint.accept(1 + '"');
  for (int i = 0; i < 100; ++i) {
    constraint.apply(scores);
    constraint.accept(1 + 'a' + i % 26);
  }
  EXPECT_EQ(masked.cache->masks_computed(), 1U);
}

TEST(GrammarMasks, CharactersMayBeSplitOverTokens) {
  const ListTokenizer tokenizer = byte_vocabulary({"\xF0\x9F", "\x98\x80\"", "a\xC3"});
  Masked masked("root ::= \"\\\"\" [^\"]{2} \"\\\"\"", tokenizer);
  Constraint constraint(masked.cache, true);
  constraint.accept(1 + '"');
  constraint.accept(259);  // a and half of ä
  EXPECT_FALSE(constraint.allows(1 + '"'));
  EXPECT_FALSE(constraint.allows(1 + 0xC3));
  EXPECT_TRUE(constraint.allows(1 + 0xA4));
  Constraint other(masked.cache, true);
  other.accept(1 + '"');
  EXPECT_TRUE(other.allows(257));
  other.accept(1 + 'a');
  other.accept(257);
  EXPECT_FALSE(other.finished());
  other.accept(258);  // the other half, and the end
  EXPECT_TRUE(other.finished());
  EXPECT_THROW(other.accept(1 + 'a'), Error);
  EXPECT_THROW(other.accept(-1), Error);
  EXPECT_THROW(other.accept(5000), Error);
}

TEST(GrammarMasks, EndsAreAllowedWhereTheGrammarMayEnd) {
  const ListTokenizer tokenizer = byte_vocabulary({""});
  Masked masked("root ::= \"a\"{1,2}", tokenizer);
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  std::vector<float> few(10);
  EXPECT_THROW(Constraint(masked.cache, true).apply(few), Error);
  for (const bool may_end : {true, false}) {
    Constraint constraint(masked.cache, may_end);
    const auto scores = [&] {
      std::vector<float> result(300, 1.0F);  // the model has more logits than the vocabulary tokens
      constraint.apply(result);
      return result;
    };
    EXPECT_EQ(scores()[0], kNever);
    EXPECT_EQ(scores()[1 + 'a'], 1.0F);
    EXPECT_EQ(scores()[299], kNever);
    constraint.accept(1 + 'a');
    EXPECT_EQ(scores()[0], may_end ? 1.0F : kNever);
    EXPECT_EQ(scores()[257], may_end ? 1.0F : kNever);
    EXPECT_EQ(scores()[1 + 'a'], 1.0F);
    EXPECT_FALSE(constraint.finished());
    constraint.accept(1 + 'a');
    EXPECT_TRUE(constraint.finished());
  }
}

TEST(GrammarMasks, AFullSpaceIsGivenUpForANewOne) {
  // Every state is another: the count of what is written.
  const ListTokenizer tokenizer = byte_vocabulary();
  Masked masked("root ::= ([a-z] [0-9]?){1000} \"!\"", tokenizer, 10000);
  Constraint constraint(masked.cache, true);
  const KeptState first = masked.cache->start();
  Constraint early = constraint;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(constraint.allows(1 + '!'));
    constraint.accept(1 + 'a');
  }
  EXPECT_NE(masked.cache->start().space, first.space);
  EXPECT_TRUE(constraint.allows(1 + '!'));
  EXPECT_TRUE(constraint.allows(1 + '1'));
  EXPECT_FALSE(constraint.allows(1 + 'a'));
  EXPECT_TRUE(early.allows(1 + 'a')) << "what stands in a space that was given up goes on";
  early.accept(1 + 'a');
  EXPECT_TRUE(early.allows(1 + '5'));
}

}  // namespace
}  // namespace covey::grammar
