// How well a model predicts a text: the exponential of the mean negative log-likelihood of its tokens.
//
// The text is cut in chunks of n_ctx tokens, what is left over is not used. In each chunk the first token is replaced
// by BOS, where the model wants one, and the tokens of the second half are scored, so that each has at least n_ctx / 2
// tokens before it:
//
//     | BOS t1 t2 …                  | t(n_ctx/2 + 1) … t(n_ctx - 1) |
//       seen only                      scored
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "model/batch.hpp"
#include "model/runner.hpp"

namespace covey {

struct Perplexity {
  double value = 0;             ///< over all chunks evaluated so far
  std::int64_t tokens = 0;      ///< scored
  std::int32_t chunks = 0;      ///< evaluated
  std::int32_t all_chunks = 0;  ///< in the text
};

/// Evaluates `tokens` (the text with BOS first, if the model wants one) on `runner`. `each_chunk` is told the running
/// value. Throws Error unless 4 <= n_ctx <= the runner's, the text has at least n_ctx tokens, and the logits are
/// finite.
Perplexity measure_perplexity(Runner& runner, std::span<const Token> tokens, std::optional<Token> bos,
                              std::int32_t n_ctx, const std::function<void(const Perplexity&)>& each_chunk = {});

}  // namespace covey
