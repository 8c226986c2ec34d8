#include "model/byte_letters.hpp"

#include <array>
#include <cstddef>

#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

constexpr std::size_t kCodes = 0x100 + 68;

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Letter {
  std::array<char, 2> bytes;
  std::uint8_t length;
};

struct Letters {
  std::array<Letter, 256> of_byte{};
  std::array<std::int16_t, kCodes> byte_of{};  // -1: no letter

  constexpr Letters() {
    byte_of.fill(-1);
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const unsigned code = stands_for_itself(byte) ? byte : next++;
      byte_of[code] = static_cast<std::int16_t>(byte);
      if (code < 0x80) {
        of_byte[byte] = {{static_cast<char>(code), 0}, 1};
      } else {
        of_byte[byte] = {{static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))}, 2};
      }
    }
  }
};

constexpr Letters kLetters;

}  // namespace

std::string_view letter_of(std::uint8_t byte) {
  const Letter& letter = kLetters.of_byte[byte];
  return {letter.bytes.data(), letter.length};
}

std::optional<std::uint8_t> byte_of_letter(std::string_view letter) {
  std::size_t code = kCodes;
  const auto at = [letter](std::size_t i) { return static_cast<std::uint8_t>(letter[i]); };
  if (letter.size() == 1 && at(0) < 0x80) code = at(0);
  if (letter.size() == 2 && (at(0) & 0xE0) == 0xC0) code = (at(0) & 0x1FU) << 6U | (at(1) & 0x3FU);
  if (code >= kCodes || kLetters.byte_of[code] < 0) return std::nullopt;
  return static_cast<std::uint8_t>(kLetters.byte_of[code]);
}

std::string to_letters(std::string_view bytes) {
  std::string letters;
  letters.reserve(bytes.size() + bytes.size() / 2);
  for (const char c : bytes) letters += letter_of(static_cast<std::uint8_t>(c));
  return letters;
}

std::string from_letters(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const std::string_view character = text.substr(0, utf8_step(text).length);
    if (const std::optional<std::uint8_t> byte = byte_of_letter(character)) {
      bytes += static_cast<char>(*byte);
    } else {
      bytes += character;
    }
    text.remove_prefix(character.size());
  }
  return bytes;
}

}  // namespace covey
