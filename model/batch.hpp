// One forward pass, described so that every rank that shares the model can repeat it: which sequences change, and which
// tokens are evaluated. Positions and cache blocks follow from it on each rank by the same rules (kv_cache.hpp).
#pragma once

#include <cstdint>
#include <vector>

namespace covey {

using Token = std::int32_t;
using SequenceId = std::int32_t;  ///< chosen by the scheduler, >= 0

/// A change to the cache before the tokens of a batch are evaluated.
struct SequenceOp {
  enum class Kind : std::uint8_t {
    fork,      ///< `sequence` begins as the first `length` tokens of `source`, sharing their blocks
    truncate,  ///< `sequence` keeps its first `length` tokens
    drop,      ///< `sequence` ends
  };
  Kind kind = Kind::drop;
  SequenceId sequence = 0;
  SequenceId source = 0;    ///< fork only
  std::int32_t length = 0;  ///< fork and truncate
  bool operator==(const SequenceOp&) const = default;
};

/// A token to append to its sequence (which begins with its first token).
struct BatchToken {
  Token token = 0;
  SequenceId sequence = 0;
  bool wants_logits = false;
  bool operator==(const BatchToken&) const = default;
};

struct Batch {
  std::vector<SequenceOp> ops;
  std::vector<BatchToken> tokens;
  bool prompt = false;  ///< see BatchView::prompt
  /// Above 0: of each token that wants logits a shortlist of so many, at most kMostShortlisted and n_vocab, comes back
  /// instead of them (kernels/shortlist.hpp). It is no matter of ranks that compute no logits, who are not told.
  std::int32_t shortlist = 0;

  bool empty() const { return ops.empty() && tokens.empty(); }
  void clear() {
    ops.clear();
    tokens.clear();
    prompt = false;
    shortlist = 0;
  }
  bool operator==(const Batch&) const = default;
};

}  // namespace covey
