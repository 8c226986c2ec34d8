#include "third_party_free_formats/json_value.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"

namespace covey {
namespace {

std::string json_error(std::string_view text) {
  try {
    parse_json_text(text, "made.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(JsonValue, HoldsEveryKind) {
  const JsonValue json = parse_json_text(
      " {\"s\": \"a\\n\\u00e9\\ud83d\\ude00\", \"i\": -12, \"r\": 2.5e1, \"t\": true, \"n\": null, \"a\": [1, [], "
      "{}]}\n",
      "made");
  EXPECT_EQ(*json.find_string("s"), "a\né😀");
  EXPECT_EQ(json.find("i")->integer(), -12);
  EXPECT_EQ(json.find("i")->number(), -12.0);
  EXPECT_EQ(json.find("r")->number(), 25.0);
  EXPECT_EQ(json.find("r")->integer(), std::nullopt);
  EXPECT_EQ(json.find("t")->boolean(), true);
  EXPECT_EQ(json.find("n"), nullptr);
  EXPECT_EQ(json.find("x"), nullptr);
  EXPECT_EQ(json.find_string("i"), nullptr);
  ASSERT_NE(json.find("a")->array(), nullptr);
  EXPECT_EQ(json.find("a")->array()->size(), 3U);
  EXPECT_EQ(json.array(), nullptr);
  EXPECT_EQ(json.object()->size(), 6U);
  EXPECT_TRUE((*json.object())[4].value.is_null());
}

TEST(JsonValue, TheLastOfSeveralMembersCounts) {
  EXPECT_EQ(parse_json_text(R"({"a": 1, "a": 2})", "made").find("a")->integer(), 2);
}

TEST(JsonValue, HalvesOfPairsBecomeReplacements) {
  EXPECT_EQ(*parse_json_text(R"("\ud83dx\ude00")", "made").string(), "\xEF\xBF\xBDx\xEF\xBF\xBD");
  EXPECT_EQ(*parse_json_text(R"("\ud83d\u0041")", "made").string(),
            "\xEF\xBF\xBD"
            "A");
}

TEST(JsonValue, NumbersBeyond64BitsAreFloating) {
  const JsonValue json = parse_json_text("[9223372036854775807, 9223372036854775808]", "made");
  EXPECT_EQ((*json.array())[0].integer(), 9223372036854775807);
  EXPECT_EQ((*json.array())[1].integer(), std::nullopt);
  EXPECT_EQ((*json.array())[1].number(), 9223372036854775808.0);
}

TEST(JsonValue, RefusesWhatIsNone) {
  for (const char* const text :
       {"",         " ",          "{",     "}",   "[",       "[1",        "[1,",         "[1 2]",  "[1,]", "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{a:1}", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "tru",  "nul",
        "+1",       "-",          "1e",    "1 2", "1e999",   "nan",       "'a'",         "//"}) {
    EXPECT_NE(json_error(text).find("made.json: no JSON"), std::string::npos) << text;
  }
  EXPECT_NE(json_error(std::string("[1]\0", 4)).find("byte 3"), std::string::npos);
}

TEST(JsonValue, NestsSixtyFourDeepAndNoDeeper) {
  EXPECT_EQ(json_error(std::string(64, '[') + std::string(64, ']')), "no error");
  EXPECT_NE(json_error(std::string(65, '[') + std::string(65, ']')).find("deep"), std::string::npos);
  EXPECT_NE(json_error(std::string(1'000'000, '[')).find("deep"), std::string::npos);
}

}  // namespace
}  // namespace covey
