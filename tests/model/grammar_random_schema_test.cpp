// Random schemas, and what a model without any sense makes of them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "grammar_fixtures.hpp"
#include "json_schema_validator.hpp"
#include "model/grammar/constraint_maker.hpp"
#include "model/sampler.hpp"

namespace covey::grammar {
namespace {

using Json = nlohmann::ordered_json;

class SchemaMaker {
 public:
  explicit SchemaMaker(std::uint32_t seed) : random_(seed) {}

  Json make() {
    Json schema = part(0);
    if (schema.is_boolean()) schema = Json::object();
    if (referred_) schema["$defs"] = {{"leaf", scalar()}, {"node", node()}};
    if (chance(3)) schema["description"] = "to be filled in";
    return schema;
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool chance(int one_in) { return below(one_in) == 0; }

  std::string name() {
    static const std::vector<std::string> kNames = {"a", "ab", "abc", "name", "größe", "x y", "q\"", "", "漢字", "b/c"};
    return kNames[static_cast<std::size_t>(below(static_cast<int>(kNames.size())))];
  }

  static Json node() {
    return {{"type", "object"},
            {"properties", {{"next", {{"$ref", "#/$defs/node"}}}, {"leaf", {{"$ref", "#/$defs/leaf"}}}}}};
  }

  Json part(int depth) {
    if (depth > 3 || chance(3)) return scalar();
    switch (below(9)) {
      case 0:
      case 1:
      case 2:
        return object(depth);
      case 3:
      case 4:
        return array(depth);
      case 5:
        return Json{{"anyOf", {part(depth + 1), part(depth + 1)}}};
      case 6:
        return Json{{"oneOf", {tagged(depth, "one"), tagged(depth, "two"), Json{{"type", "null"}}}}};
      case 7: {
        Json more = {
            {"type", "object"}, {"properties", {{"p", scalar()}, {"q", part(depth + 1)}}}, {"required", {"p"}}};
        return Json{{"allOf", {more, {{"properties", {{"r", scalar()}}}, {"required", {"r"}}}}}};
      }
      default:
        if (chance(4)) return Json(true);
        referred_ = true;
        return Json{{"$ref", chance(2) ? "#/$defs/leaf" : "#/$defs/node"}};
    }
  }

  Json tagged(int depth, const char* tag) {
    return {{"type", "object"},
            {"properties", {{"kind", {{"const", tag}}}, {"value", part(depth + 2)}}},
            {"required", {"kind"}}};
  }

  Json object(int depth) {
    Json schema = {{"type", "object"}};
    Json required = Json::array();
    for (int i = below(5); i > 0; --i) {
      const std::string property = name();
      schema["properties"][property] = part(depth + 1);
      if (chance(2)) required.push_back(property);
    }
    if (chance(6)) required.push_back("unheard");
    if (!required.empty()) schema["required"] = required;
    if (chance(3) && !(chance(2) && required.empty())) {
      schema["additionalProperties"] = chance(2) ? Json(true) : part(depth + 2);
    }
    return schema;
  }

  Json array(int depth) {
    Json schema = {{"type", "array"}};
    const int prefix = chance(3) ? 1 + below(3) : 0;
    for (int i = 0; i < prefix; ++i) schema["prefixItems"].push_back(part(depth + 2));
    if (prefix == 0 || chance(2)) schema["items"] = part(depth + 1);
    const int least = schema.contains("items") ? below(4) : below(prefix + 1);
    if (chance(2)) schema["minItems"] = least;
    if (chance(2)) schema["maxItems"] = least + below(4);
    return schema;
  }

  Json scalar() {
    switch (below(10)) {
      case 0:
        return {{"type", "boolean"}};
      case 1:
        return Json{{"enum", {"red", "grün", 1, 2.5, nullptr, Json{{"a", {1, "\n"}}}}}};
      case 2:
        return Json{{"const", name()}};
      case 3:
        return bounded("number", 1000);
      case 4:
      case 5:
        return bounded("integer", chance(2) ? 30 : 1000000);
      case 6: {
        static const char* const kFormats[] = {"date", "time", "date-time", "uuid"};
        return {{"type", "string"}, {"format", kFormats[below(4)]}};
      }
      case 7: {
        static const char* const kPatterns[] = {"^[A-Z]{2}-\\d{3,5}$", "^(foo|ba[rz])+$", "^a[xyz]c",
                                                "^\\w+@\\w+\\.(com|org)$", "^x?y*[a-cX-Z_]$"};
        return {{"type", "string"}, {"pattern", kPatterns[below(5)]}};
      }
      case 8:
        return Json{{"type", {"string", "null", "integer"}}};
      default: {
        Json schema = {{"type", "string"}};
        const int least = below(5);
        if (chance(2)) schema["minLength"] = least;
        if (chance(2)) schema["maxLength"] = least + below(10);
        return schema;
      }
    }
  }

  Json bounded(const char* type, int size) {
    Json schema = {{"type", type}};
    const int least = below(2 * size) - size, most = least + 2 + below(size);
    const bool whole = std::string(type) == "integer";
    if (chance(2)) schema[whole && chance(3) ? "exclusiveMinimum" : "minimum"] = least;
    if (chance(2)) schema[whole && chance(3) ? "exclusiveMaximum" : "maximum"] = most;
    return schema;
  }

  std::mt19937 random_;
  bool referred_ = false;
};

/// A model whose logits are random. After `calm` tokens it begins to like what closes, so that its texts end.
std::string sample_text(Sampler& sampler, const ListTokenizer& tokenizer, std::mt19937& random) {
  constexpr int kCalm = 60, kMost = 3000;
  static const std::vector<float> kNormal = [] {
    std::mt19937 of_table(1);
    std::normal_distribution<float> normal(0.0F, 2.0F);
    std::vector<float> numbers(4096);
    for (float& number : numbers) number = normal(of_table);
    return numbers;
  }();
  std::vector<float> logits(static_cast<std::size_t>(tokenizer.size()));
  std::string text;
  for (int step = 0; step < kMost && !sampler.finished(); ++step) {
    const auto begin = kNormal.begin() + static_cast<std::ptrdiff_t>(random() % (kNormal.size() - logits.size()));
    std::copy_n(begin, logits.size(), logits.begin());
    if (step > kCalm) {
      for (const char closing : {'"', '}', ']'}) logits[1U + static_cast<unsigned char>(closing)] += 12.0F;
      for (const char going_on : {'{', '[', ',', ' ', '\n'}) logits[1U + static_cast<unsigned char>(going_on)] -= 6.0F;
      logits[0] += 20.0F;
    }
    const Token token = sampler.sample(logits).chosen.token;
    if (tokenizer.ends_text(token)) return text;
    sampler.accept(token);
    text += tokenizer.piece(token, false);
  }
  return sampler.finished() ? text : "(no end) " + text;
}

TEST(RandomSchemas, OutputsAlwaysParseAndValidate) {
  const ListTokenizer tokenizer = byte_vocabulary(
      {"\":", "\", \"", "{\"", "\"}", "}}", "], [", "true", "null", " 1", "ä", "\xE6\xBC", "\\u00", "12"});
  ConstraintMaker maker(tokenizer);
  std::mt19937 random(2024);
  std::size_t longest = 0;
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    const Json ordered = SchemaMaker(seed).make();
    SamplingParams params;
    params.json_schema = ordered.dump();
    params.temperature = 1.0F;
    params.top_k = 0;
    params.top_p = 1.0F;
    params.min_p = 0.0F;
    params.seed = seed;
    Sampler sampler(params, tokenizer.size());
    const auto constraint = maker.make(params, true);
    ASSERT_TRUE(constraint);
    sampler.constrain(*constraint);
    const std::string text = sample_text(sampler, tokenizer, random);
    const auto value = nlohmann::json::parse(text, nullptr, false);
    ASSERT_FALSE(value.is_discarded()) << params.json_schema << "\n" << text;
    const auto plain = nlohmann::json::parse(params.json_schema);
    ASSERT_TRUE(SchemaValidator(plain).valid(value, plain)) << params.json_schema << "\n" << text;
    longest = std::max(longest, text.size());
  }
  EXPECT_GT(longest, 100U);
}

TEST(RandomSchemas, TheValidatorRefuses) {
  const auto valid = [](const char* value, const char* given) {
    const auto parsed_schema = nlohmann::json::parse(given);
    return SchemaValidator(parsed_schema).valid(nlohmann::json::parse(value), parsed_schema);
  };
  EXPECT_TRUE(valid("{\"a\": 1}", R"({"properties": {"a": {"type": "integer"}}, "required": ["a"]})"));
  EXPECT_FALSE(valid("{}", R"({"required": ["a"]})"));
  EXPECT_FALSE(valid("{\"a\": \"1\"}", R"({"properties": {"a": {"type": "integer"}}})"));
  EXPECT_FALSE(valid("{\"b\": 1}", R"({"additionalProperties": false})"));
  EXPECT_FALSE(valid("[1]", R"({"minItems": 2})"));
  EXPECT_FALSE(valid("[1]", R"({"items": {"type": "string"}})"));
  EXPECT_FALSE(valid("[1]", R"({"prefixItems": [{"const": 2}]})"));
  EXPECT_FALSE(valid("\"äb\"", R"({"maxLength": 1})"));
  EXPECT_FALSE(valid("\"b\"", R"({"pattern": "^a"})"));
  EXPECT_FALSE(valid("\"b\"", R"({"format": "uuid"})"));
  EXPECT_FALSE(valid("3", R"({"exclusiveMinimum": 3})"));
  EXPECT_FALSE(valid("3", R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})"));
  EXPECT_FALSE(valid("3", R"({"$ref": "#/$defs/x", "$defs": {"x": {"enum": [1, 2]}}})"));
}

}  // namespace
}  // namespace covey::grammar
