#include "model/jinja/string_literal.hpp"

#include <algorithm>
#include <charconv>

#include "covey/error.hpp"
#include "model/jinja/characters.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

/// Reads a number of exactly `digits` digits, and takes it off the text.
char32_t take_hex(std::string_view& text, std::size_t digits) {
  unsigned code = 0;
  const char* end = text.data() + std::min(digits, text.size());
  const auto read = std::from_chars(text.data(), end, code, 16);
  if (text.size() < digits || read.ec != std::errc() || read.ptr != end)
    throw Error("an escape in a string needs " + std::to_string(digits) + " hexadecimal digits");
  text.remove_prefix(digits);
  return code;
}

char32_t take_octal(std::string_view& text) {
  char32_t code = 0;
  for (int digit = 0; digit < 3 && !text.empty() && text[0] >= '0' && text[0] <= '7'; ++digit) {
    code = code * 8 + static_cast<char32_t>(text[0] - '0');
    text.remove_prefix(1);
  }
  return code;
}

/// `text` is what follows a backslash.
void append_escape(std::string& to, std::string_view& text) {
  static constexpr std::string_view kLetters = "\\'\"abfnrtv";
  static constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const char letter = text[0];
  if (letter >= '0' && letter <= '7') return append_utf8(to, take_octal(text));
  text.remove_prefix(1);
  if (const std::size_t at = kLetters.find(letter); at != std::string_view::npos) {
    to += kMeanings[at];
  } else if (letter == 'x') {
    append_utf8(to, take_hex(text, 2));
  } else if (letter == 'u') {
    append_utf8(to, take_hex(text, 4));
  } else if (letter == 'U') {
    append_utf8(to, take_hex(text, 8));
  } else if (letter == 'N') {
    throw Error("\\N in strings isn't supported: write \\u and the number of the character");
  } else if (letter != '\n') {
    to += '\\';
    to += letter;
  }
}

}  // namespace

std::string unescaped(std::string_view written) {
  std::string text;
  for (;;) {
    const std::size_t at = written.find('\\');
    text += written.substr(0, at);
    if (at == std::string_view::npos) break;
    written.remove_prefix(at + 1);
    if (written.empty()) throw Error("a string ends within an escape");
    append_escape(text, written);
  }
  return text;
}

}  // namespace covey::jinja
