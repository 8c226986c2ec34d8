#include "model/byte_letters.hpp"

#include <gtest/gtest.h>

#include <set>

#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

TEST(ByteLetters, are_those_of_gpt_2) {
  EXPECT_EQ(letter_of('A'), "A");
  EXPECT_EQ(letter_of('~'), "~");
  EXPECT_EQ(letter_of(0), "Ā");
  EXPECT_EQ(letter_of(' '), "Ġ");
  EXPECT_EQ(letter_of('\n'), "Ċ");
  EXPECT_EQ(letter_of(0x7F), "ġ");
  EXPECT_EQ(letter_of(0xA0), "ł");
  EXPECT_EQ(letter_of(0xA1), "¡");
  EXPECT_EQ(letter_of(0xAD), "Ń");
  EXPECT_EQ(letter_of(0xFF), "ÿ");
  EXPECT_EQ(to_letters("é x\n"), "Ã©ĠxĊ");
}

TEST(ByteLetters, each_byte_has_its_own) {
  std::set<std::string_view> letters;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string_view letter = letter_of(static_cast<std::uint8_t>(byte));
    EXPECT_TRUE(letters.insert(letter).second) << byte;
    EXPECT_EQ(utf8_step(letter).state, Utf8State::complete);
    EXPECT_EQ(utf8_step(letter).length, letter.size());
    EXPECT_EQ(byte_of_letter(letter), byte);
    const std::string one(1, static_cast<char>(byte));
    EXPECT_EQ(from_letters(to_letters(one)), one);
  }
}

TEST(ByteLetters, other_characters_are_none) {
  for (const char* text : {"", " ", "\n", "ab", "ŁŁ", "ń", "ƀ", "▁", "你", "\xC4", "\x80"}) {
    EXPECT_FALSE(byte_of_letter(text)) << text;
  }
  EXPECT_EQ(from_letters("a ▁Ġ你"), "a ▁ 你");
}

}  // namespace
}  // namespace covey
