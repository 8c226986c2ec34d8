#include "model/grammar/utf8_ranges.hpp"

#include "third_party_free_formats/utf8.hpp"

namespace covey::grammar {
namespace {

constexpr std::array<char32_t, 4> kLastOfLength = {0x7F, 0x7FF, 0xFFFF, kLastCode};

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
  std::string from, to;
  append_utf8(from, first);
  append_utf8(to, last);
  ByteSequence made{};
  made.length = static_cast<int>(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    made.ranges[i] = {static_cast<std::uint8_t>(from[i]), static_cast<std::uint8_t>(to[i])};
  }
  out.push_back(made);
}

}  // namespace

std::vector<ByteSequence> utf8_sequences(const CodeSet& set) {
  std::vector<ByteSequence> sequences;
  for (const CodeSet::Range& range : set.ranges()) split(range.first, range.last, sequences);
  return sequences;
}

}  // namespace covey::grammar
