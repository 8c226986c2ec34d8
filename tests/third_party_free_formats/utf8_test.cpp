#include "third_party_free_formats/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace covey {
namespace {

void expect_step(std::string_view bytes, int length, Utf8State state) {
  const Utf8Step step = utf8_step(bytes);
  EXPECT_EQ(step.length, length) << testing::PrintToString(std::string(bytes));
  EXPECT_EQ(step.state, state) << testing::PrintToString(std::string(bytes));
}

TEST(Utf8, characters_of_every_length) {
  expect_step("a\x80", 1, Utf8State::complete);
  expect_step(std::string_view("\0", 1), 1, Utf8State::complete);
  expect_step("\x7F", 1, Utf8State::complete);
  expect_step("\xC2\x80z", 2, Utf8State::complete);
  expect_step("\xDF\xBF", 2, Utf8State::complete);
  expect_step("\xE0\xA0\x80", 3, Utf8State::complete);
  expect_step("\xED\x9F\xBF", 3, Utf8State::complete);
  expect_step("\xEF\xBF\xBD", 3, Utf8State::complete);
  expect_step("\xF0\x90\x80\x80", 4, Utf8State::complete);
  expect_step("\xF4\x8F\xBF\xBF", 4, Utf8State::complete);
}

TEST(Utf8, bytes_that_begin_nothing) {
  for (const char* bytes : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xF5\x80\x80\x80", "\xFF"}) {
    expect_step(bytes, 1, Utf8State::invalid);
  }
}

TEST(Utf8, overlong_surrogate_and_too_large_end_at_the_first_byte) {
  for (const char* bytes : {"\xE0\x9F\x80", "\xED\xA0\x80", "\xF0\x8F\x80\x80", "\xF4\x90\x80\x80"}) {
    expect_step(bytes, 1, Utf8State::invalid);
  }
}

TEST(Utf8, a_broken_character_ends_where_it_breaks) {
  expect_step("\xC3z", 1, Utf8State::invalid);
  expect_step("\xE2\x82z", 2, Utf8State::invalid);
  expect_step("\xF0\x9F\x98\xF0", 3, Utf8State::invalid);
}

TEST(Utf8, the_beginning_of_a_character_waits_for_more) {
  expect_step("\xC3", 1, Utf8State::truncated);
  expect_step("\xE2\x82", 2, Utf8State::truncated);
  expect_step("\xF0\x9F\x98", 3, Utf8State::truncated);
}

}  // namespace
}  // namespace covey
