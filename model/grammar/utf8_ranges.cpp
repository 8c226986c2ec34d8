#include "model/grammar/utf8_ranges.hpp"

#include <algorithm>

namespace covey::grammar {
namespace {

constexpr std::array<char32_t, 4> kLastOfLength = {0x7F, 0x7FF, 0xFFFF, kLastCode};

int encode(char32_t code, std::array<std::uint8_t, 4>& bytes) {
  int length = 1;
  while (code > kLastOfLength[static_cast<std::size_t>(length - 1)]) ++length;
  constexpr std::array<std::uint8_t, 4> kLeads = {0x00, 0xC0, 0xE0, 0xF0};
  for (int i = length - 1; i > 0; --i) {
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(0x80U | (code & 0x3FU));
    code >>= 6U;
  }
  bytes[0] = static_cast<std::uint8_t>(kLeads[static_cast<std::size_t>(length - 1)] | code);
  return length;
}

/// Cuts a range until, in each piece, the bytes that follow the first one that differs take all their values.
void split(char32_t first, char32_t last, std::vector<ByteSequence>& out) {
  for (const char32_t end : kLastOfLength) {
    if (first <= end && last > end) {
      split(first, end, out);
      split(end + 1, last, out);
      return;
    }
  }
  for (unsigned bits = 6; bits <= 18 && last > 0x7F; bits += 6) {
    const char32_t low = (char32_t{1} << bits) - 1;
    if ((first & ~low) == (last & ~low)) break;
    if ((first & low) != 0) {
      split(first, first | low, out);
      split((first | low) + 1, last, out);
      return;
    }
    if ((last & low) != low) {
      split(first, (last & ~low) - 1, out);
      split(last & ~low, last, out);
      return;
    }
  }
  std::array<std::uint8_t, 4> from{}, to{};
  ByteSequence made{};
  made.length = encode(first, from);
  encode(last, to);
  for (std::size_t i = 0; i < static_cast<std::size_t>(made.length); ++i) made.ranges[i] = {from[i], to[i]};
  out.push_back(made);
}

}  // namespace

std::vector<ByteSequence> utf8_sequences(const CodeSet& set) {
  std::vector<ByteSequence> sequences;
  for (const CodeSet::Range& range : set.ranges()) split(range.first, range.last, sequences);
  return sequences;
}

void append_utf8(std::string& to, char32_t code) {
  std::array<std::uint8_t, 4> bytes{};
  const int length = encode(code, bytes);
  for (int i = 0; i < length; ++i) to += static_cast<char>(bytes[static_cast<std::size_t>(i)]);
}

}  // namespace covey::grammar
