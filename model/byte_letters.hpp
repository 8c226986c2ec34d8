// The letters in which byte-level vocabularies write bytes, so that every token is printable text without spaces.
// Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py, bytes_to_unicode.
//
//     bytes 0x21-0x7E, 0xA1-0xAC, 0xAE-0xFF   stand for themselves: U+0021, ...
//     the other 68, in order                  are U+0100, U+0101, ...: a space is U+0120, a newline U+010A
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace covey {

/// In UTF-8, one or two bytes long.
std::string_view letter_of(std::uint8_t byte);
/// The byte that `letter`, one character, stands for.
std::optional<std::uint8_t> byte_of_letter(std::string_view letter);

std::string to_letters(std::string_view bytes);
/// Characters that are no such letter stay as they are.
std::string from_letters(std::string_view text);

}  // namespace covey
