// Which tokens are in the KV cache, by sequence: enough to fill an empty one again.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/batch.hpp"

namespace covey {

class TokenLog {
 public:
  /// A batch that has been evaluated.
  void enter(const Batch& batch);

  /// Passes of at most `max_tokens` that lead from an empty cache to this one. What sequences begin with in common is
  /// evaluated once and forked, so that they share as many blocks as they did.
  std::vector<Batch> replay(std::int32_t max_tokens) const;

 private:
  std::map<SequenceId, std::vector<Token>> sequences_;
};

}  // namespace covey
