// The merge rule of byte-level BPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/bpe_merges.hpp"
#include "model/vocabulary.hpp"

namespace covey {

/// Cuts pieces of text into tokens, one piece after the other in the same memory: beginning with the tokens of single
/// bytes, of all neighbours that merge those with the lowest rank do, the leftmost among equals, until none is left.
class BpeMerger {
 public:
  /// Both must outlive the object.
  BpeMerger(const Vocabulary& vocabulary, const BpeMerges& merges);

  /// Appends the tokens of `piece`, at most 2^32 - 1 bytes, to `tokens`. A byte without a token of its own is left out.
  /// O(n log n).
  void cut(std::string_view piece, std::vector<Token>& tokens);

 private:
  /// A node of the list of symbols, which begins as the bytes of a piece.
  struct Symbol {
    Token token;          // kGone: merged into its left neighbour
    std::uint32_t left;   // index; kNone at the beginning
    std::uint32_t right;  // index; kNone at the end
    std::uint32_t rank;   // of its merge with the right neighbour; kNone: they don't
    Token merged;         // what that makes
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr Token kGone = -1;

  bool rank(std::uint32_t left);
  void offer(std::uint32_t left);
  void apply(std::uint32_t left);

  const Vocabulary* vocabulary_;
  const BpeMerges* merges_;
  std::vector<Symbol> symbols_;
  std::vector<std::uint64_t> queue_;  // heap of rank << 32 | index of the left symbol; may be out of date
};

}  // namespace covey
