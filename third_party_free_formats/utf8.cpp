#include "third_party_free_formats/utf8.hpp"

#include <algorithm>
#include <cstddef>

namespace covey {
namespace {

struct ByteRange {
  std::uint8_t low, high;
  bool holds(std::uint8_t byte) const { return byte >= low && byte <= high; }
};

std::size_t character_length(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;  // continuation bytes; C0 and C1 would spell what one byte can
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

/// The second byte's range also rules out overlong spellings, surrogates and what lies above U+10FFFF.
ByteRange second_byte(std::uint8_t lead) {
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {0x80, 0xBF};
  }
}

}  // namespace

Utf8Step utf8_step(std::string_view bytes) {
  const auto lead = static_cast<std::uint8_t>(bytes[0]);
  const std::size_t length = character_length(lead);
  if (length == 0) return {1, Utf8State::invalid};
  ByteRange range = second_byte(lead);
  const std::size_t there = std::min(length, bytes.size());
  for (std::size_t i = 1; i < there; ++i) {
    if (!range.holds(static_cast<std::uint8_t>(bytes[i]))) return {static_cast<std::uint8_t>(i), Utf8State::invalid};
    range = {0x80, 0xBF};
  }
  return {static_cast<std::uint8_t>(there), there == length ? Utf8State::complete : Utf8State::truncated};
}

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const Utf8Step step = utf8_step(bytes);
    text += step.state == Utf8State::complete ? bytes.substr(0, step.length) : kReplacementCharacter;
    bytes.remove_prefix(step.length);
  }
  return text;
}

void append_utf8(std::string& to, char32_t code) {
  if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
    to += kReplacementCharacter;
    return;
  }
  const auto put = [&to](char32_t byte) { to += static_cast<char>(byte); };
  const auto tail = [&put, code](unsigned shift) { put(0x80U | (code >> shift & 0x3FU)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | code >> 6U), tail(0);
  } else if (code < 0x10000) {
    put(0xE0U | code >> 12U), tail(6), tail(0);
  } else {
    put(0xF0U | code >> 18U), tail(12), tail(6), tail(0);
  }
}

}  // namespace covey
