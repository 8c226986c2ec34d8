// Evaluating given tokens, without generating: logits and perplexity.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "model/batch.hpp"
#include "model/runner.hpp"

namespace covey {

/// Called with the position of the first of `rows` consecutive rows, each of n_vocab logits.
using LogitRows = std::function<void(std::int32_t first, std::span<const float> rows)>;

/// Evaluates `tokens` as one text from its start, in passes of at most `limits().max_tokens`, and gives the logits of
/// every position from `from` on. Throws Error if the text is empty or longer than the context.
void evaluate(Runner& runner, std::span<const Token> tokens, std::int32_t from, const LogitRows& rows);

/// All of them together: (tokens, n_vocab).
std::vector<float> all_logits(Runner& runner, std::span<const Token> tokens);

/// Natural logarithm of the probability of `token` under `logits`.
double log_probability(std::span<const float> logits, Token token);

}  // namespace covey
