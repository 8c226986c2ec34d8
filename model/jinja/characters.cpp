#include "model/jinja/characters.hpp"

#include <algorithm>

#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool within(char32_t code, char32_t low, char32_t high) { return code >= low && code <= high; }

struct Range {
  char32_t low, high;
};

template <std::size_t N>
bool in_any(char32_t code, const Range (&ranges)[N]) {
  return std::any_of(std::begin(ranges), std::end(ranges), [code](Range r) { return within(code, r.low, r.high); });
}

/// Upper-case letters whose lower-case ones lie at a constant distance.
struct Shifted {
  char32_t low, high;
  char32_t distance;
};
constexpr Shifted kShifted[] = {
    {'A', 'Z', 32},     {0xC0, 0xD6, 32},   {0xD8, 0xDE, 32},   {0x391, 0x3A1, 32},
    {0x3A3, 0x3AB, 32}, {0x388, 0x38A, 37}, {0x386, 0x386, 38}, {0x38C, 0x38C, 64},
    {0x38E, 0x38F, 63}, {0x400, 0x40F, 80}, {0x410, 0x42F, 32}, {0x531, 0x556, 48},
};

/// Upper and lower case next to each other, beginning with an upper one.
constexpr Range kPairs[] = {{0x100, 0x12F}, {0x132, 0x137},   {0x139, 0x148},  {0x14A, 0x177},
                            {0x179, 0x17E}, {0x460, 0x481},   {0x48A, 0x4BF},  {0x4C1, 0x4CE},
                            {0x4D0, 0x52F}, {0x1E00, 0x1E95}, {0x1EA0, 0x1EFF}};

std::string_view side_character(std::string_view text, bool left) {
  if (left) return text.substr(0, utf8_step(text).length);
  // A character is at most 4 bytes: the longest tail that is exactly one.
  for (std::size_t n = std::min<std::size_t>(4, text.size()); n > 1; --n) {
    const std::string_view tail = text.substr(text.size() - n);
    const Utf8Step step = utf8_step(tail);
    if (step.length == n && step.state == Utf8State::complete) return tail;
  }
  return text.substr(text.size() - 1);
}

template <class Drop>
std::string_view strip_while(std::string_view text, Side side, const Drop& drop) {
  while (side != Side::right && !text.empty()) {
    const std::string_view first = side_character(text, true);
    if (!drop(first)) break;
    text.remove_prefix(first.size());
  }
  while (side != Side::left && !text.empty()) {
    const std::string_view last = side_character(text, false);
    if (!drop(last)) break;
    text.remove_suffix(last.size());
  }
  return text;
}

}  // namespace

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const std::size_t length = utf8_step(text).length;
    characters.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return characters;
}

std::string_view take_character(std::string_view& text) {
  const std::string_view first = text.substr(0, utf8_step(text).length);
  text.remove_prefix(first.size());
  return first;
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(utf8_step(text).length);
  return count;
}

char32_t code_point(std::string_view character) {
  const Utf8Step step = utf8_step(character);
  if (step.state != Utf8State::complete) return kReplacement;
  const auto lead = static_cast<unsigned char>(character[0]);
  if (step.length == 1) return lead;
  char32_t code = lead & (0x7FU >> step.length);
  for (std::size_t i = 1; i < step.length; ++i) code = code << 6U | (static_cast<unsigned char>(character[i]) & 0x3FU);
  return code;
}

bool is_space(char32_t code) {
  static constexpr Range kSpaces[] = {{0x09, 0x0D},     {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                                      {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                      {0x205F, 0x205F}, {0x3000, 0x3000}};
  return in_any(code, kSpaces);
}

bool is_printable(char32_t code) {
  static constexpr Range kHidden[] = {
      {0, 0x1F},        {0x7F, 0xA0},     {0xAD, 0xAD},     {0x600, 0x605},   {0x61C, 0x61C},   {0x6DD, 0x6DD},
      {0x70F, 0x70F},   {0x1680, 0x1680}, {0x180E, 0x180E}, {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F},
      {0x3000, 0x3000}, {0xD800, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0x10FFFF}};
  return !in_any(code, kHidden);
}

bool is_letter(char32_t code) {
  if (code < 0x80) return within(code, 'A', 'Z') || within(code, 'a', 'z');
  static constexpr Range kOthers[] = {{0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},       {0xBB, 0xBF},
                                      {0xD7, 0xD7},     {0xF7, 0xF7},     {0x300, 0x36F},     {0x2000, 0x2070},
                                      {0x2072, 0x207E}, {0x2080, 0x208F}, {0x20A0, 0x2101},   {0x2190, 0x2BFF},
                                      {0x3000, 0x3004}, {0x3007, 0x3030}, {0xD800, 0xF8FF},   {0xFE00, 0xFE6F},
                                      {0xFF00, 0xFF20}, {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF}};
  return !in_any(code, kOthers);
}

char32_t to_lower(char32_t code) {
  for (const Shifted& range : kShifted) {
    if (within(code, range.low, range.high)) return code + range.distance;
  }
  for (const Range& pairs : kPairs) {
    if (within(code, pairs.low, pairs.high) && (code - pairs.low) % 2 == 0) return code + 1;
  }
  if (code == 0x178) return 0xFF;
  return code == 0x4C0 ? 0x4CF : code;
}

char32_t to_upper(char32_t code) {
  for (const Shifted& range : kShifted) {
    if (within(code, range.low + range.distance, range.high + range.distance)) return code - range.distance;
  }
  for (const Range& pairs : kPairs) {
    if (within(code, pairs.low, pairs.high) && (code - pairs.low) % 2 == 1) return code - 1;
  }
  switch (code) {
    case 0xB5:
      return 0x39C;
    case 0xFF:
      return 0x178;
    case 0x131:
      return 'I';
    case 0x3C2:
      return 0x3A3;
    case 0x4CF:
      return 0x4C0;
    default:
      return code;
  }
}

bool is_upper(char32_t code) { return to_lower(code) != code; }

bool is_lower(char32_t code) { return to_upper(code) != code || code == 0xDF; }

std::string upper_case(std::string_view text) {
  std::string upper;
  upper.reserve(text.size());
  for (; !text.empty(); text.remove_prefix(utf8_step(text).length)) {
    const char32_t code = code_point(text);
    if (code == 0xDF) {
      upper += "SS";
    } else {
      append_utf8(upper, to_upper(code));
    }
  }
  return upper;
}

std::string lower_case(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  for (; !text.empty(); text.remove_prefix(utf8_step(text).length)) append_utf8(lower, to_lower(code_point(text)));
  return lower;
}

std::string_view stripped(std::string_view text, Side side) {
  return strip_while(text, side, [](std::string_view character) { return is_space(code_point(character)); });
}

std::string_view stripped(std::string_view text, Side side, std::string_view these) {
  const std::vector<std::string_view> set = characters_of(these);
  return strip_while(text, side, [&set](std::string_view character) {
    return std::find(set.begin(), set.end(), character) != set.end();
  });
}

}  // namespace covey::jinja
