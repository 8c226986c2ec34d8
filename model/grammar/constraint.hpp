// What one text being generated may go on with: a grammar, and how far the text has come in it.
#pragma once

#include <memory>
#include <span>

#include "model/grammar/mask_cache.hpp"

namespace covey::grammar {

/// Cheap to copy; copies go on independently, and share the masks. Not for many threads at once, copies included.
class Constraint {
 public:
  /// `may_end`: the model may end the text wherever the grammar does. Otherwise the text ends only where the grammar
  /// can't go on.
  Constraint(std::shared_ptr<MaskCache> masks, bool may_end);

  /// Sets the scores of tokens that may not come next to minus infinity. Throws Error if there are fewer
  /// scores than tokens in the vocabulary; beyond it, none is allowed. (n_vocab)
  void apply(std::span<float> scores);
  /// Whether `token` may come next, found without a mask.
  bool allows(Token token);
  /// Adds a token to the text. Throws Error if the grammar does not allow it. Tokens that end a text are not for here.
  void accept(Token token);
  /// Whether the text is complete, and nothing can be added.
  bool finished() const;

 private:
  std::shared_ptr<MaskCache> masks_;
  KeptState at_;
  bool may_end_;
};

}  // namespace covey::grammar
