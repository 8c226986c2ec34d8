// Hostile templates end in an error: none hangs, takes all memory, or overflows the stack.
#include <string>

#include "tests/model/jinja_case.hpp"

namespace covey::jinja {
namespace {

std::string repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

const Limits kSmall = {.steps = 100'000, .bytes = 1 << 20, .output = 1 << 16, .depth = 200};

TEST(JinjaLimits, Steps) {
  const char* nested =
      "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor "
      "%}";
  expect_error("more than", nested);
  expect_error("steps", nested, "{}", {.steps = 10'000});
  expect_error("steps", "{% for a in range(100000) %}{{ 'x' in s }}{% endfor %}",
               R"({"s": ")" + std::string(100000, 'a') + "\"}");
}

TEST(JinjaLimits, OutputAndMemory) {
  expect_error(
      "bytes of output",
      "{% for a in range(1000) %}0123456789012345678901234567890123456789012345678901234567890123456789{% endfor %}",
      "{}", kSmall);
  for (const char* source :
       {"{{ 'x' * 999999999999 }}", "{{ [1] * 999999999999 }}", "{{ 'x'.center(999999999) }}",
        "{{ 'x'.zfill(9999999999) }}", "{{ 'x'.ljust(9223372036854775807) }}", "{{ '%999999999d' % 1 }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1, 2]) %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(64) %}{% set ns.x = ns.x | replace('a', 'aa') | "
        "replace('b', ns.x) %}{% endfor %}"}) {
    expect_error("the template takes more than", source);
  }
  // A list that holds itself twice, 60 levels deep, would print 2^60 items.
  expect_error(
      "more than",
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}");
  expect_error("steps",
               "{% set a = namespace(x=[1]) %}{% set b = namespace(x=[1]) %}{% for i in range(60) %}"
               "{% set a.x = [a.x, a.x] %}{% set b.x = [b.x, b.x] %}{% endfor %}{{ a.x == b.x }}");
}

TEST(JinjaLimits, Depth) {
  expect_error("nest deeper", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  expect_error("nest deeper",
               "{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}");
  expect_error("too deep", "{{ " + repeated("(", 10000) + "1" + repeated(")", 10000) + " }}");
  expect_error("too deep", "{{ " + repeated("-", 10000) + "1 }}");
  expect_error("too deep", "{{ " + repeated("not ", 10000) + "1 }}");
  expect_error("too many parts", "{{ 1" + repeated(" + 1", 10000) + " }}");
  expect_error("too many parts", "{{ x" + repeated(".x", 10000) + " }}");
  expect_error("too many parts", "{{ x" + repeated("|upper", 10000) + " }}");
  expect_error("too deep", "{{ 1" + repeated(" if 1 else 1", 10000) + " }}");
  expect_error("nest deeper", repeated("{% if 1 %}", 10000));
  expect_error("too deep", "{% for " + repeated("(", 10000) + "a" + repeated(")", 10000) + " in b %}{% endfor %}");
  EXPECT_EQ(rendered("{{ 1" + repeated(" + 1", 100) + " }}"), "101");
  EXPECT_EQ(rendered("{{ 1" + repeated(" ~ 1", 5000) + " }}").size(), 5001U);
}

TEST(JinjaLimits, Range) {
  EXPECT_EQ(rendered("{{ range(100000) | length }}"), "100000");
  expect_error("range gives at most", "{{ range(100001) }}");
  expect_error("range gives at most", "{{ range(-9223372036854775807, 9223372036854775807) }}");
  EXPECT_EQ(rendered("{{ range(9223372036854775800, 9223372036854775807, 5) | list }}"),
            "[9223372036854775800, 9223372036854775805]");
}

TEST(JinjaLimits, WholeNumbers) {
  for (const char* source :
       {"{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}", "{{ 9223372036854775807 * 2 }}",
        "{{ 10 ** 19 }}", "{{ 2 ** 9223372036854775807 }}", "{{ 99999999999999999999 }}",
        "{{ (-9223372036854775807 - 1) // -1 }}", "{{ -(-9223372036854775807 - 1) }}"}) {
    expect_error("64 bits", source);
  }
  EXPECT_EQ(rendered("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  EXPECT_EQ(rendered("{{ [1, 2][9223372036854775807:] }}{{ [1, 2][::-9223372036854775807] }}"), "[][2]");
}

// What holds itself is taken apart in the end: the leak checker of the sanitizers would find it.
TEST(JinjaLimits, Cycles) {
  EXPECT_EQ(rendered("{% set a = namespace() %}{% set a.self = a %}{% macro m() %}{{ m is defined }}{% endmacro %}{% "
                     "set a.m = m %}{{ m() }}"),
            "True");
}

}  // namespace
}  // namespace covey::jinja
