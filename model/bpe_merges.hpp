// The merges of a byte-level vocabulary (tokenizer.ggml.merges).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/batch.hpp"
#include "model/vocabulary.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Two neighbouring tokens become one. Of all that are possible in a text the lowest rank comes first.
struct BpeMerge {
  std::uint32_t rank;
  Token token;
};

/// Which pairs of tokens merge. Immutable.
class BpeMerges {
 public:
  /// Throws Error naming the file and the merge that is wrong.
  BpeMerges(const GgufFile& file, const Vocabulary& vocabulary);

  std::optional<BpeMerge> find(Token left, Token right) const;

 private:
  struct Slot {
    Token left = -1;  // -1: empty
    Token right = -1;
    BpeMerge merge{};
  };
  std::size_t slot_of(Token left, Token right) const;

  std::vector<Slot> slots_;  // open addressing; a power of two, at least a quarter of them empty
};

}  // namespace covey
