// Sets of characters as sequences of byte ranges.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/grammar/code_set.hpp"

namespace covey::grammar {

struct ByteRange {
  std::uint8_t first, last;
  bool operator==(const ByteRange&) const = default;
};

/// Strings whose i-th byte is any of the i-th range.
struct ByteSequence {
  std::array<ByteRange, 4> ranges;
  int length;
};

/// The UTF-8 spellings of exactly the characters of `set`.
std::vector<ByteSequence> utf8_sequences(const CodeSet& set);

}  // namespace covey::grammar
