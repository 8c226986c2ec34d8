// Strings as sequences of Unicode characters. Bytes that are no UTF-8 count as one character for each maximal beginning
// of one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace covey::jinja {

/// Views of `text`, one for each character.
std::vector<std::string_view> characters_of(std::string_view text);
std::size_t character_count(std::string_view text);
/// The first character of `text`, which must not be empty; it is taken off.
std::string_view take_character(std::string_view& text);
/// The code point of one character; U+FFFD for bytes that are none.
char32_t code_point(std::string_view character);

// Properties, as Python's str has them. Exact for Latin, Greek, Cyrillic and Armenian; what lies elsewhere is told
// apart by its block.
bool is_space(char32_t code);
bool is_printable(char32_t code);
bool is_letter(char32_t code);
bool is_upper(char32_t code);
bool is_lower(char32_t code);
char32_t to_upper(char32_t code);
char32_t to_lower(char32_t code);
std::string upper_case(std::string_view text);
std::string lower_case(std::string_view text);

enum class Side { left, right, both };
/// Without the characters at its ends that are spaces, or else that are in `these`.
std::string_view stripped(std::string_view text, Side side);
std::string_view stripped(std::string_view text, Side side, std::string_view these);

}  // namespace covey::jinja
