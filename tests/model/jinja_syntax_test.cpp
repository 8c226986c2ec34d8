// Tags, whitespace, expressions and statements, as Jinja's documentation for template designers describes them.
#include <gtest/gtest.h>

#include <string_view>
#include <utility>

#include "tests/model/jinja_case.hpp"

namespace covey::jinja {
namespace {

constexpr std::string_view kUser =
    R"({"user": {"name": "Ann", "tags": ["x", "y"]}, "seq": [1, 2, 3], "text": "grün 漢字", "nothing": null})";

TEST(JinjaSyntax, WhitespaceControl) {
  const Pair pairs[] = {
      {"a\n{% if true %}\n  b\n{% endif %}\nc\n", "a\n  b\nc"},  // trim_blocks; one line end at the end goes
      {"    {% if true %}\n x {% endif %}", " x "},              // lstrip_blocks
      {"  {%+ if true %}x{% endif +%}\n", "  x"},
      {"{% if true +%}\nx{% endif %}", "\nx"},
      {"a \n {%- if true -%} \n b {%- endif %}", "ab"},
      {"a {{- 1 -}} b", "a1b"},
      {"  {{ 1 }}  ", "  1  "},
      {"a {# no #} b", "a  b"},
      {"  {# no #}\nb", "b"},
      {"a {#- no -#} b", "ab"},
      {"{% raw %}{{ x }} {% if %}{% endraw %}", "{{ x }} {% if %}"},
      {"\r\na\r\n", "\na"},
  };
  expect_texts(pairs, kUser);
}

TEST(JinjaSyntax, Expressions) {
  const Pair pairs[] = {
      {"{{ 'a' \"b\" }}", "ab"},
      {"{{ [1, 2.5, 'x', none, true] }}", "[1, 2.5, 'x', None, True]"},
      {"{{ (1,) }}{{ () }}", "(1,)()"},
      {"{{ {'a': 1, 'b': [2]} }}", "{'a': 1, 'b': [2]}"},
      {"{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 ** 2 }}", "3.5 3 -4 2 64"},
      {"{{ 1 ~ 'a' ~ 2.0 }}", "1a2.0"},
      {"{{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 2 in seq }} {{ 9 not in seq }}", "True False True True"},
      {"{{ 'yes' if user else 'no' }}{{ 'gone' if false }}", "yes"},
      {"{{ nothing or 'other' }} {{ user and 1 }}", "other 1"},
      {"{{ user.name }}{{ user['name'] }}{{ user.tags.0 }}{{ user.tags[-1] }}", "AnnAnnxy"},
      {"{{ seq[::-1] }}{{ seq[1:] }}{{ text[2:4] }}{{ text[-1] }}{{ text | length }}", "[3, 2, 1][2, 3]ün字7"},
      {"{{ user.none_there }}{{ none_there }}|{{ none_there is defined }}", "|False"},
      {"{{ 'a\\n\\t\\'\\u00e9\\x41' }}", "a\n\t'éA"},
      {"{{ 0x1F + 0b11 + 0o17 + 1_000 }}", "1049"},
      {"{{ -2 | abs }}{{ (1 + 2) | string ~ '!' }}", "23!"},
      {"{{ seq is iterable and seq is not string and 4 is divisibleby 2 }}", "True"},
  };
  expect_texts(pairs, kUser);
}

TEST(JinjaSyntax, Loops) {
  const Pair pairs[] = {
      {"{% for x in seq %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% endfor %}", "1/3,2/3,3/3"},
      {"{% for x in seq if x != 2 %}{{ x }}{{ loop.index0 }}{% endfor %}", "1031"},
      {"{% for k, v in user.items() %}{{ k }};{% endfor %}", "name;tags;"},
      {"{% for x in [] %}x{% else %}empty{% endfor %}", "empty"},
      {"{% for x in seq %}{{ loop.previtem }}<{{ loop.nextitem }} {% endfor %}", "<2 1<3 2< "},
      {"{% for x in seq %}{{ loop.cycle('odd', 'even') }} {% endfor %}", "odd even odd "},
      {"{% for x in seq %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% break %}{% endfor %}", "2"},
      {"{% set n = 0 %}{% for x in seq %}{% set n = n + x %}{% endfor %}{{ n }}", "0"},
      {"{% set ns = namespace(n=0) %}{% for x in seq %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "6"},
  };
  expect_texts(pairs, kUser);
}

TEST(JinjaSyntax, MacrosAndBlocks) {
  const Pair pairs[] = {
      {"{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}{{ f(b=3, a=4) }}", "1243"},
      {"{% macro f(a) %}<{{ caller(a) }}>{% endmacro %}{% call(x) f(5) %}{{ x }}{% endcall %}", "<5>"},
      {"{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, k=2) }}", "(1,){'k': 2}"},
      {"{% set x %}a{{ 1 }}{% endset %}{{ x | upper }}", "A1"},
      {"{% set x | upper %}abc{% endset %}{{ x }}", "ABC"},
      {"{% set a, b = seq[:2] %}{{ a + b }}", "3"},
      {"{% filter upper %}a{{ 'b' }}{% endfilter %}", "AB"},
      {"{% with a = 1 %}{{ a }}{% endwith %}{{ a }}", "1"},
      {"{% generation %}said{% endgeneration %}", "said"},
  };
  expect_texts(pairs, kUser);
}

// What a macro in a macro uses is not what the macro around it uses.
TEST(JinjaSyntax, EachMacroHasItsOwnRest) {
  expect_error("takes at most 0",
               "{% macro f() %}{% macro g() %}{{ varargs }}{% endmacro %}{{ g(1) }}{% endmacro %}{{ f(2) }}");
  EXPECT_EQ(rendered("{% macro f() %}{{ varargs }}{% macro g() %}{% endmacro %}{{ g() }}{% endmacro %}{{ f(2) }}"),
            "(2,)");
}

TEST(JinjaSyntax, Clock) { EXPECT_EQ(rendered("{{ strftime_now('%d %b %Y, %H:%M') }}"), "26 Jul 2024, 15:04"); }

TEST(JinjaSyntax, ErrorsNameTheLine) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"line 3: there is no filter 'nope'", "a\nb\n{{ 1 | nope }}"},
      {"line 2: there is no test 'nope'", "a\n{{ 1 is nope }}"},
      {"line 2: there is no tag 'nope'", "a\n{% nope %}"},
      {"line 2: 'if' is never closed", "a\n{% if a %}\n\n"},
      {"line 4: '%}' was expected, not '='", "{% if a %}\n\n\n{% else = %}{% endif %}"},
      {"line 2: 'include' needs other templates", "\n{% include 'a' %}"},
      {"line 2: a string isn't closed", "\n{{ 'a }}"},
      {"line 1: }} is missing", "{{ a"},
      {"line 1: a comment isn't closed", "{# a"},
      {"line 1: 'endfor' closes nothing", "{% endfor %}"},
      {"line 1: recursive loops aren't supported", "{% for x in y recursive %}{% endfor %}"},
      {"line 1: 'break' and 'continue'", "{% break %}"},
      {"line 2: division by zero", "\n{{ 1 / 0 }}"},
      {"line 3: 'x' is undefined", "\n\n{{ x.y }}"},
      {"line 2: 'append' would change", "\n{{ [].append(1) }}"},
      {"line 2: no such luck", "\n{{ raise_exception('no such luck') }}"},
      {"line 2: the operator + isn't made for 'str' and 'int'", "\n{{ 'a' + 1 }}"},
      {"line 2: index has no argument named 'b'", "\n{{ [].index(b=1) }}"},
      {"line 4: macro 'f' takes at most 1", "{% macro f(a) %}\n{{ a }}\n{% endmacro %}\n{{ f(1, 2) }}"},
  };
  for (const auto& [part, source] : cases) expect_error(part, source);
  EXPECT_THROW(rendered("{{ raise_exception('no') }}"), TemplateRefusal);
}

TEST(JinjaSyntax, OneTemplateManyRenderings) {
  const Template hello("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(name) }}");
  EXPECT_EQ(hello.render({{"name", "a"}}), "[a]");
  EXPECT_EQ(hello.render({{"name", "b"}}), "[b]");
}

}  // namespace
}  // namespace covey::jinja
