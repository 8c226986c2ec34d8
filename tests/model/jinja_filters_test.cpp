// Filters, tests, methods and functions, as their documentation describes them.
#include <gtest/gtest.h>

#include <string_view>

#include "tests/model/jinja_case.hpp"

namespace covey::jinja {
namespace {

constexpr std::string_view kPeople =
    R"({"people": [{"name": "bo", "age": 5}, {"name": "Al", "age": 7}, {"name": "cy", "age": 5}],
        "tool": {"type": "function", "b": [1, 2.5, null, true], "a": "<é>\n"}, "text": "one two three"})";

TEST(JinjaFilters, Text) {
  const Pair pairs[] = {
      {"'aB c' | upper ~ 'X' | lower ~ ('aB c' | capitalize) ~ ('aB c-d' | title)", "AB CxAb cAb C-D"},
      {"'  a ' | trim ~ ('xax' | trim('x'))", "aa"},
      {"'aaa' | replace('a', 'b', 2)", "bba"},
      {"'ab' | center(6) ~ '|'", "  ab  |"},
      {"'a\\n\\nb' | indent(2)", "a\n\n  b"},
      {"'a\\nb' | indent('> ', true)", "> a\n> b"},
      {"'foo bar baz qux' | truncate(9)", "foo..."},
      {"'foo bar baz qux' | truncate(9, true)", "foo ba..."},
      {"text | wordcount", "3"},
      {"'a b/ü' | urlencode", "a%20b/%C3%BC"},
      {"'<&\"' | e", "&lt;&amp;&#34;"},
      {"'%s is %d' | format('x', 3)", "x is 3"},
      {"[1, 'a'] | string | length", "8"},
  };
  expect_values(pairs, kPeople);
}

TEST(JinjaFilters, Lists) {
  const Pair pairs[] = {
      {"[3, 1, 2] | sort | join(',')", "1,2,3"},
      {"[3, 1, 2] | sort(reverse=true) | first", "3"},
      {"people | map(attribute='name') | sort | join(' ')", "Al bo cy"},
      {"people | sort(attribute='age,name') | map(attribute='name') | join(' ')", "bo cy Al"},
      {"people | selectattr('age', 'gt', 5) | map(attribute='name') | list", "['Al']"},
      {"people | rejectattr('age', 'eq', 5) | list | length", "1"},
      {"people | sum(attribute='age')", "17"},
      {"(people | max(attribute='age')).name ~ (people | min(attribute='name')).name", "AlAl"},
      {"people | groupby('age') | map(attribute='grouper') | list", "[5, 7]"},
      {"[1, 2, 3, 4] | select('even') | list ~ ([1, 0] | reject | list)", "[2, 4][0]"},
      {"['a', 'B'] | map('upper') | join", "AB"},
      {"[1, 2, 3] | batch(2, 0) | list", "[[1, 2], [3, 0]]"},
      {"[1, 2, 3] | slice(2) | list", "[[1, 2], [3]]"},
      {"['b', 'a', 'B'] | unique | list", "['b', 'a']"},
      {"{'b': 1, 'a': 2} | dictsort", "[('a', 2), ('b', 1)]"},
      {"{'b': 1} | items | list", "[('b', 1)]"},
      {"'abc' | reverse ~ ([1, 2] | reverse | list) ~ ('abc' | last) ~ ([] | first)", "cba[2, 1]c"},
      {"'abc' | list", "['a', 'b', 'c']"},
  };
  expect_values(pairs, kPeople);
}

TEST(JinjaFilters, Values) {
  const Pair pairs[] = {
      {"gone | default('x') ~ ('' | d('y', true)) ~ (none | default('z'))", "xyNone"},
      {"'42' | int + '1.5' | float", "43.5"},
      {"'no' | int(7) ~ ('1f' | int(base=16))", "731"},
      {"2.5 | round ~ ' ' ~ (2.567 | round(2)) ~ ' ' ~ (2.1 | round(0, 'ceil'))", "2.0 2.57 3.0"},
      {"-3 | abs", "3"},
      {"tool | tojson", R"({"type": "function", "b": [1, 2.5, null, true], "a": "<é>\n"})"},
      {"tool | tojson(sort_keys=true, ensure_ascii=true, separators=(',', ':'))",
       R"({"a":"<\u00e9>\n","b":[1,2.5,null,true],"type":"function"})"},
      {"{'a': [1, {}], 'b': []} | tojson(indent=2)", "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"},
      {"'😀' | tojson(ensure_ascii=true)", "\"\\ud83d\\ude00\""},
  };
  expect_values(pairs, kPeople);
}

TEST(JinjaFilters, Tests) {
  const Pair pairs[] = {
      {"[1 is odd, 2 is even, 9 is divisibleby 3, 'a' is lower, 'A' is upper]", "[True, True, True, True, True]"},
      {"[tool is mapping, text is mapping, [] is sequence, 1 is number, true is number, true is integer]",
       "[True, False, True, True, True, False]"},
      {"[1.0 is float, none is none, true is true, 1 is true, 1 is boolean]", "[True, True, True, False, False]"},
      {"[range is callable, text is callable, 'upper' is filter, 'odd' is test]", "[True, False, True, True]"},
      {"[1 is in [1], 1 is eq 1, 1 is ne 1, 1 is lt 2, 1 is ge 2, 1 is sameas 1]",
       "[True, True, False, True, False, True]"},
      {"[gone is defined, gone is undefined, gone is not defined, text is not none]", "[False, True, True, True]"},
  };
  expect_values(pairs, kPeople);
}

TEST(JinjaFilters, Methods) {
  const Pair pairs[] = {
      {"'<think>a</think>\\nb'.split('</think>')[-1].lstrip('\\n')", "b"},
      {"' a  b '.split() ~ 'a-b-c'.rsplit('-', 1)", "['a', 'b']['a-b', 'c']"},
      {"'a\\nb\\n'.splitlines()", "['a', 'b']"},
      {"'abc'.startswith(('x', 'ab')) ~ 'abc'.endswith('c')", "TrueTrue"},
      {"'Ünï'.upper() ~ 'ÜNÏ'.lower() ~ 'ünï x'.title()", "ÜNÏünïÜnï X"},
      {"'漢字漢'.find('字') ~ '漢字漢'.rfind('漢') ~ 'a'.find('b') ~ 'aXa'.count('a')", "12-12"},
      {"'{0}-{name!r:>5}'.format(1, name='x')", "1-  'x'"},
      {"'abc'.removeprefix('a').removesuffix('c') ~ '7'.zfill(3)", "b007"},
      {"'a=b'.partition('=') ~ ','.join(['x', 'y'])", "('a', '=', 'b')x,y"},
      {"tool.get('type') ~ tool.get('x') ~ tool.get('x', 1)", "functionNone1"},
      {"tool.keys() | list ~ (tool.values() | list | length)", "['type', 'b', 'a']3"},
      {"[5, 6].index(6) ~ [1, 1].count(1)", "12"},
  };
  expect_values(pairs, kPeople);
}

TEST(JinjaFilters, Functions) {
  const Pair pairs[] = {
      {"range(3) | list ~ (range(5, 0, -2) | list)", "[0, 1, 2][5, 3, 1]"},
      {"dict(a=1, **{'b': 2})", "{'a': 1, 'b': 2}"},
      {"namespace(a=1).a", "1"},
      {"'%05.1f|%-4s|%x|%%' % (3.14159, 'ab', 255)", "003.1|ab  |ff|%"},
  };
  expect_values(pairs, kPeople);
  EXPECT_EQ(rendered("{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}"), "1212");
  EXPECT_EQ(rendered("{% set j = joiner(';') %}{{ j() }}a{{ j() }}b"), "a;b");
}

TEST(JinjaFilters, WrongArgumentsAreNamed) {
  expect_error("replace needs the argument 'new'", "{{ 'a' | replace('b') }}");
  expect_error("indent has no argument named 'by'", "{{ 'a' | indent(by=2) }}");
  expect_error("must be an integer, not of type 'str'", "{{ 'a' | center('x') }}");
  expect_error("takes at most 0 arguments", "{{ 'a' | string(1) }}");
  expect_error("tojson can't write what is undefined: 'gone' is undefined", "{{ gone | tojson }}");
  expect_error("have no order", "{{ [1, 'a'] | sort }}");
  expect_error("doesn't know the conversion '%Q'", "{{ strftime_now('%Q') }}");
}

}  // namespace
}  // namespace covey::jinja
