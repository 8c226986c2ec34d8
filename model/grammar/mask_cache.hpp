// Which tokens may come next, for one grammar and one vocabulary: worked out once for each state, and kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "model/grammar/state_space.hpp"
#include "model/grammar/token_trie.hpp"

namespace covey::grammar {

/// A bit for each token of the vocabulary, the lowest bit of a word first.
using TokenMask = std::vector<std::uint64_t>;  // (vocabulary / 64, rounded up)

/// A state that stays what it is when its space is given up for a new one.
struct KeptState {
  std::shared_ptr<const StateSpace> space;
  StateId state = kNoState;
};

/// Not for many threads at once.
class MaskCache {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20U;

  /// `most_bytes`: memory for masks, of which the least recently used go first, and as much for states, which all go
  /// at once. A mask and what a call needs always have room.
  MaskCache(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie,
            std::size_t most_bytes = kMostBytes);

  KeptState start();
  /// Where the bytes of `token` lead; kNoState if the grammar does not allow them, or it has none.
  KeptState after(const KeptState& state, Token token);
  /// Valid until the next call. Tokens that end a text are not among them.
  const TokenMask& mask(const KeptState& state);

  const TokenTrie& trie() const { return *trie_; }
  std::size_t masks() const { return masks_.size(); }  ///< kept now
  std::size_t masks_computed() const { return masks_computed_; }

 private:
  struct Entry {
    StateId state;
    TokenMask mask;
  };
  StateId current(const KeptState& state);
  void compute(StateId state, TokenMask& mask);

  std::shared_ptr<StateSpace> space_;
  std::shared_ptr<const TokenTrie> trie_;
  std::size_t most_bytes_;
  std::size_t most_masks_;
  std::size_t masks_computed_ = 0;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<StateId, std::list<Entry>::iterator> masks_;
  std::vector<StateId> path_;  // (depth of the trie + 1): states along the walk
};

}  // namespace covey::grammar
