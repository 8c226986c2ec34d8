#include "model/grammar/schema.hpp"

#include <gtest/gtest.h>

#include "grammar_fixtures.hpp"

namespace covey::grammar {
namespace {

struct SchemaCase {
  const char* schema;
  std::vector<std::string> texts;
  std::vector<std::string> others;
};

void check(const std::vector<SchemaCase>& cases) {
  for (const SchemaCase& each : cases) {
    Recogniser recognise(schema(each.schema));
    for (const std::string& text : each.texts) EXPECT_TRUE(recognise.whole(text)) << each.schema << ": " << text;
    for (const std::string& text : each.others) EXPECT_FALSE(recognise.whole(text)) << each.schema << ": " << text;
  }
}

TEST(JsonSchema, AnyJson) {
  for (const char* any : {"true", "{}", R"({"title": "x", "description": "y", "x-mine": 1})"}) {
    check({{any,
            {"null", "true", "-1.5e+10", "[]", "[1, [2]]", "{}", R"({"a": {"b": []}})", "[\n  1,\n  2\n]",
             R"("\u00e4\ud83d\ude00 \" \\ ä")", "0", "-0"},
            {"", "nul", "01", "1.", "[1,]", R"("\ud83d")", R"("\ude00")", "\"\n\"", "{a: 1}", " 1", "[          ]"}}});
  }
}

TEST(JsonSchema, Scalars) {
  check({
      {R"({"type": "string"})", {R"("")", R"("ab")"}, {"1"}},
      {R"({"type": ["integer", "null"]})", {"1", "null", "-12"}, {"1.5", "true"}},
      {R"({"minLength": 2, "maxLength": 3})", {R"("ab")", R"("😀\u0041\n")"}, {R"("a")", R"("abcd")", R"("\n\n\n\n")"}},
      {R"({"minLength": 2})", {R"("ab")", R"("abcdef")"}, {R"("a")"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"null"}},
      {R"({"enum": ["a\"b", 1, null, {"a": [1.5, true]}]})",
       {R"("a\"b")", "1", "null", R"({"a": [1.5, true]})"},
       {"2", "\"a\""}},
      {R"({"type": "integer", "enum": ["a", 1, 2.0, 2.5]})", {"1", "2"}, {"\"a\"", "2.5"}},
      {R"({"const": "x", "title": "t"})", {R"("x")"}, {R"("y")"}},
      {R"({"enum": ["x", "y"], "const": "x"})", {R"("x")"}, {R"("y")"}},
      {R"({"format": "date"})",
       {R"("2024-02-29")", R"("2000-02-29")", R"("2023-12-31")", R"("0000-02-29")"},
       {R"("2023-02-29")", R"("1900-02-29")", R"("2023-04-31")", R"("2023-13-01")", R"("2023-00-10")",
        R"("23-01-01")"}},
      {R"({"format": "time"})", {R"("23:59:59Z")", R"("00:00:00.5+02:30")"}, {R"("24:00:00Z")", R"("12:00:00")"}},
      {R"({"format": "date-time"})", {R"("2024-05-06T07:08:09.123Z")"}, {R"("2024-05-06")"}},
      {R"({"format": "uuid"})",
       {R"("01234567-89ab-cdef-0123-456789ABCDEF")"},
       {R"("01234567-89ab-cdef-0123-456789ABCDE")"}},
  });
}

TEST(JsonSchema, Bounds) {
  check({
      {R"({"type": "integer", "minimum": 0})", {"0", "7", "123456789012345"}, {"-1", "-0", "01"}},
      {R"({"type": "integer", "exclusiveMinimum": 0, "maximum": 100})", {"1", "99", "100"}, {"0", "101", "1000"}},
      {R"({"type": "integer", "minimum": -5, "exclusiveMaximum": 3})", {"-5", "-1", "0", "2"}, {"-6", "3", "-50"}},
      {R"({"type": "integer", "minimum": -50, "maximum": -7})", {"-7", "-10", "-50"}, {"-6", "-51", "0", "7"}},
      {R"({"type": "integer", "minimum": 1.5, "maximum": 2.5})", {"2"}, {"1", "3"}},
      {R"({"type": "number", "minimum": 0, "maximum": 1})",
       {"0", "0.25", "1", "1.0", "0.999"},
       {"1.5", "-0.5", "2", "1e5"}},
      {R"({"type": "number", "minimum": -2})", {"-2", "-1.5", "3.5", "-0.1"}, {"-2.5", "-3"}},
      {R"({"type": "number", "minimum": -20, "maximum": -10})", {"-10", "-10.5", "-20.0", "-19.9"}, {"-9.9", "-20.1"}},
  });
}

TEST(JsonSchema, EveryIntegerBetweenBounds) {
  for (const auto& [least, most] : std::vector<std::pair<int, int>>{
           {0, 0}, {3, 7}, {0, 1234}, {98, 102}, {-13, 205}, {-1000, -99}, {1, 1}, {10, 99}, {799, 1801}}) {
    Recogniser recognise(schema(R"({"type": "integer", "minimum": )" + std::to_string(least) + R"(, "maximum": )" +
                                std::to_string(most) + "}"));
    for (int i = -2000; i <= 2000; ++i) {
      ASSERT_EQ(recognise.whole(std::to_string(i)), i >= least && i <= most) << i << " of " << least << " " << most;
    }
  }
}

TEST(JsonSchema, Patterns) {
  check({
      {R"({"pattern": "^[a-c]+\\d{2,3}$"})", {R"("a12")", R"("bc123")"}, {R"("a1")", R"("xa12")", R"("a12x")"}},
      {R"({"pattern": "ab"})", {R"("ab")", R"("xab y")", R"("\"ab\n")"}, {R"("a b")"}},
      {R"({"pattern": "^a|b$"})", {R"("ax")", R"("xb")"}, {R"("xa")", R"("bx")"}},
      {R"({"pattern": "^(?:a|(bc)*)?\\.x{0,1}$"})", {R"(".")", R"("a.x")", R"("bcbc.")"}, {R"("ab.")"}},
      {R"({"pattern": "^[\"\\\\\\n]$"})", {R"("\"")", R"("\\")", R"("\n")"}, {R"("n")"}},
      {R"({"pattern": "^[^a-z\\s]\\w\\W.*?$"})", {R"("Aa-")", R"("Ä1 zz")"}, {R"("aa-")", R"("Aaa")", R"("Aa-\n")"}},
      {R"({"pattern": "^\\u00e4\\x41\\/-[-a][\\d-]$"})", {R"("äA/-a-")", R"("äA/--7")"}, {R"("äA/-b-")"}},
      {R"({"pattern": ""})", {R"("")", R"("x")"}, {"x"}},
  });
}

TEST(JsonSchema, Objects) {
  check({
      {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "null"}}, "required": ["b"]})",
       {R"({"a": 1, "b": null})", R"({"b":null})", "{\n  \"a\": 1,\n  \"b\": null\n}"},
       {R"({"a": 1})", "{}", R"({"b": null, "a": 1})", R"({"b": null, "c": 1})", R"({"a": "x", "b": null})"}},
      {R"({"properties": {"a": true, "b": true, "c": true}})",
       {"{}", R"({"a": 1})", R"({"b": 1})", R"({"a": 1, "c": 1})", R"({"a": 1, "b": 1, "c": 1})"},
       {R"({"a": 1,})", R"({,"a": 1})", R"({"a": 1 "b": 1})"}},
      {R"({"type": "object"})", {"{}", R"({"x": 1, "y": {}})"}, {"[]"}},
      {R"({"type": "object", "additionalProperties": false})", {"{}"}, {R"({"x": 1})"}},
      {R"({"additionalProperties": {"type": "integer"}})", {"{}", R"({"x": 1, "y": 2})"}, {R"({"x": "1"})"}},
      {R"({"properties": {"ab": {"type": "null"}, "ä": {"type": "null"}}, "additionalProperties": {"type": "integer"}})",
       {R"({"ab": null, "a": 1, "abc": 2, "": 3})", R"({"ä": null})", R"({"ac": 1})"},
       {R"({"ab": 1})", R"({"ä": 1})", R"({"\u0061b": 1})"}},
      {R"({"required": ["x"]})", {R"({"x": [1]})", R"({"x": 1, "y": 2})"}, {"{}", R"({"y": 1})"}},
      {R"({"properties": {"a": false}, "additionalProperties": true})", {R"({"b": 1})"}, {R"({"a": 1})"}},
      {R"({"properties": {"a\"\\": {"const": 1}}, "required": ["a\"\\"]})", {R"({"a\"\\": 1})"}, {"{}"}},
  });
}

TEST(JsonSchema, Arrays) {
  check({
      {R"({"type": "array"})", {"[]", "[1, null]"}, {"{}"}},
      {R"({"items": {"type": "integer"}, "minItems": 1, "maxItems": 3})", {"[1]", "[1, 2,3]"}, {"[]", "[1, 2, 3, 4]"}},
      {R"({"items": {"type": "integer"}, "minItems": 2})", {"[1, 2]", "[1, 2, 3]"}, {"[1]"}},
      {R"({"items": false})", {"[]", "[ ]"}, {"[1]"}},
      {R"({"maxItems": 0})", {"[]"}, {"[1]"}},
      {R"({"prefixItems": [{"const": 1}, {"const": "a"}]})",
       {"[]", "[1]", R"([1, "a"])"},
       {R"(["a"])", R"([1, "a", 2])"}},
      {R"({"prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}, "minItems": 1, "maxItems": 4})",
       {"[1]", "[1, 2]", "[1, 2, 3, 3]"},
       {"[]", "[1, 3]", "[1, 2, 3, 3, 3]"}},
      {R"({"prefixItems": [{"const": 1}, false], "items": true})", {"[]", "[1]"}, {"[1, 2]"}},
      {R"({"prefixItems": [true, true, true], "maxItems": 2, "uniqueItems": false})", {"[1, 2]"}, {"[1, 2, 3]"}},
  });
}

TEST(JsonSchema, Combinations) {
  check({
      {R"({"anyOf": [{"type": "integer"}, {"const": "x"}]})", {"1", R"("x")"}, {"true"}},
      {R"({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}},
           "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})",
       {R"({"a": 1})", R"({"b": 2})", R"({"a": 1, "b": 2})"},
       {"{}"}},
      {R"({"oneOf": [{"type": "string"}, {"type": "array"}, {"enum": [1, 2]}, {"const": 3}]})",
       {R"("")", "[]", "3"},
       {"4"}},
      {R"({"oneOf": [{"type": "object", "properties": {"k": {"const": "a"}, "x": {"type": "null"}}, "required": ["k"]},
                     {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]}]})",
       {R"({"k": "a", "x": null})", R"({"k": "b"})"},
       {R"({"k": "b", "x": null})"}},
      {R"({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                     {"properties": {"b": {"const": 1}, "a": {"maximum": 9}}, "required": ["b"]}, true]})",
       {R"({"a": 9, "b": 1})"},
       {R"({"a": 10, "b": 1})", R"({"a": 1})"}},
      {R"({"allOf": [{"type": "number", "minimum": 3, "maximum": 8}, {"type": ["string", "integer"], "minimum": 5}]})",
       {"5", "8"},
       {"4", "9", "5.5", "\"\""}},
      {R"({"type": "array", "allOf": [{"items": {"type": "integer"}}, {"items": {"minimum": 3}, "maxItems": 2}]})",
       {"[3, 4]"},
       {"[2]", "[3, 3, 3]"}},
  });
}

TEST(JsonSchema, References) {
  check({
      {R"({"properties": {"next": {"$ref": "#"}, "v": {"$ref": "#/$defs/v"}}, "$defs": {"v": {"type": "integer"}}})",
       {"{}", R"({"next": {"next": {"v": 1}}, "v": 2})"},
       {R"({"next": 1})"}},
      {R"({"$ref": "#/definitions/a~1b%25", "definitions": {"a/b%": {"anyOf": [{"const": 1}, {"const": 2}]}}})",
       {"2"},
       {"3"}},
      {R"({"$ref": "#/$defs/l/anyOf/1", "$defs": {"l": {"anyOf": [true, {"type": "null"}]}}})", {"null"}, {"1"}},
      {R"({"$ref": "#/$defs/a", "minimum": 5, "$defs": {"a": {"type": "integer", "maximum": 6}}})",
       {"5", "6"},
       {"4", "7"}},
      {R"({"$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"})",
       {"[]", "[[], [[]]]"},
       {"[1]"}},
  });
}

TEST(JsonSchema, WhatIsNotSupportedIsNamedWithItsPlace) {
  const std::vector<std::pair<std::string, const char*>> mistakes = {
      {"", "no JSON"},
      {"\"\xFF\"", "byte 1 is no UTF-8"},
      {"3", "#: a schema has to be"},
      {"false", "#: false allows no value"},
      {R"({"properties": {"a/b": {"not": {}}}})", "#/properties/a~1b/not: keyword 'not' is not supported"},
      {R"({"requried": ["a"]})", "#/requried: keyword 'requried'"},
      {R"({"items": {"uniqueItems": true}})", "#/items/uniqueItems: keyword"},
      {R"({"patternProperties": {}})", "#/patternProperties: keyword"},
      {R"({"if": {}, "then": {}})", "#/if: keyword"},
      {R"({"multipleOf": 2})", "#/multipleOf: keyword"},
      {R"({"type": "text"})", "#/type: there are the types"},
      {R"({"type": []})", "#/type: it has to name"},
      {R"({"type": 3})", "#/type: there are"},
      {R"({"type": "string", "format": "email"})", "#/format: format 'email' is not supported; there are date, time,"},
      {R"({"pattern": "a", "minLength": 2})", "#: of pattern, format,"},
      {R"({"minLength": -1})", "#/minLength: it has to be a whole number from 0"},
      {R"({"maxLength": 100000})", "#/maxLength: it has to be a whole number from 0 to 65536"},
      {R"({"minLength": 3, "maxLength": 2})", "maxLength is less"},
      {R"({"type": "number", "exclusiveMinimum": 0})", "#/exclusiveMinimum: it is supported for integers only"},
      {R"({"type": "number", "minimum": 0.5})", "#/minimum: bounds of numbers have to be whole"},
      {R"({"type": "integer", "minimum": 1e300})", "#/minimum: bounds have at most"},
      {R"({"type": "integer", "minimum": 1234567890123456789})", "#/minimum: bounds have at most"},
      {R"({"type": "integer", "minimum": 3, "maximum": 2})", "#: the maximum is below"},
      {R"({"minimum": "3"})", "#/minimum: it has to be a number"},
      {R"({"enum": []})", "#: no value of enum"},
      {R"({"enum": [1], "minimum": 0})", "#/minimum: keyword 'minimum' is not supported beside enum"},
      {R"({"enum": 3})", "#/enum: it has to be an array"},
      {R"({"properties": []})", "#/properties: it has to be an object"},
      {R"({"required": ["a"], "additionalProperties": false})", "#/required: 'a' is required, but"},
      {R"({"required": [1]})", "#/required: it has to list strings"},
      {R"({"items": [{}]})", "#/items: a list of schemas is prefixItems"},
      {R"({"prefixItems": [{}], "minItems": 2})", "#: no array has at least 2"},
      {R"({"anyOf": []})", "#/anyOf: it has to list"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "#/oneOf: a value may be of both 0 and 1"},
      {R"({"allOf": [{"type": "string"}, {"type": "null"}]})", "#: schemas that hold together have no type in common"},
      {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", "#: keyword 'pattern' differs"},
      {R"({"allOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}}]})",
       "#: schemas that hold together have additionalProperties and, in another of them, property 'b'"},
      {R"({"allOf": [false]})", "#/allOf: false allows no value"},
      {R"({"$ref": "other.json"})", "#: the reference 'other.json' leaves the schema"},
      {R"({"$ref": "#/$defs/a"})", "#: the reference '#/$defs/a' has no target"},
      {R"({"$ref": 3})", "#/$ref: it has to be a string"},
      {R"({"$ref": "#"})", "begins with itself"},
      {R"({"$ref": "#", "minimum": 1})", "lead on and on"},
      {R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "rule '#' never ends"},
      {R"({"$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/a", "maxItems": 2}}}}, "$ref": "#/$defs/a"})",
       "the schema nests too deep"},
      {R"_({"pattern": "(?=a)"})_", "#/pattern: of groups beginning with (?"},
      {R"_({"pattern": "(a"})_", "#/pattern: a ')' is missing"},
      {R"_({"pattern": "a)"})_", "#/pattern:"},
      {R"({"pattern": "a$b"})", "#/pattern: something stands behind '$'"},
      {R"({"pattern": "a^"})", "#/pattern: '^' can't stand here"},
      {R"({"pattern": "\\bx"})", "#/pattern: \\b is not supported"},
      {R"({"pattern": "\\1"})", "#/pattern: \\1 is not supported"},
      {R"({"pattern": "\\p{L}"})", "#/pattern: \\p is not supported"},
      {R"({"pattern": "[z-a]"})", "#/pattern: a class has a range"},
      {R"({"pattern": "[a"})", "#/pattern: a ']' is missing"},
      {R"({"pattern": "a{3,2}"})", "#/pattern: a repetition ends"},
      {R"({"pattern": "\\"})", "#/pattern: the pattern ends with a backslash"},
  };
  for (const auto& [text, expected] : mistakes) {
    const std::string message = error_text([&, given = text] { schema(given); });
    EXPECT_NE(message.find(expected), std::string::npos) << text << "\n" << message;
    EXPECT_TRUE(message.starts_with("test: ")) << text << "\n" << message;
  }
}

}  // namespace
}  // namespace covey::grammar
