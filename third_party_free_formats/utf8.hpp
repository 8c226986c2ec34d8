// UTF-8, one character at a time, over bytes that may be anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace covey {

/// U+FFFD, what stands in text for bytes that are not a character.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

enum class Utf8State : std::uint8_t {
  complete,   ///< a character
  invalid,    ///< can't begin, or no longer continue, a character
  truncated,  ///< the bytes end inside what may still become a character
};

struct Utf8Step {
  std::uint8_t length;  ///< bytes of the character, or of the longest beginning of one ("maximal subpart"), at least 1
  Utf8State state;
};

/// Looks at the beginning of `bytes`, which must not be empty.
/// Source: The Unicode Standard, table 3-7 (well-formed UTF-8) and "U+FFFD substitution of maximal subparts".
Utf8Step utf8_step(std::string_view bytes);

/// `bytes` with U+FFFD for each step that is no character.
std::string valid_utf8(std::string_view bytes);

/// Adds a character; U+FFFD for surrogates and what lies above U+10FFFF.
void append_utf8(std::string& to, char32_t code);

}  // namespace covey
