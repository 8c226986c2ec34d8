#include "model/perplexity.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "model/evaluate.hpp"

namespace covey {

namespace {

// The sum of negative log-likelihoods of the chunk's scored tokens.
double chunk_loss(Runner& runner, std::span<const Token> chunk) {
  const std::size_t first_scored = chunk.size() / 2;  // its logits predict the token after it
  const auto n_vocab = static_cast<std::size_t>(runner.limits().n_vocab);
  double loss = 0;
  // The last token predicts nothing that is known, so it isn't evaluated.
  evaluate(runner, chunk.first(chunk.size() - 1), static_cast<std::int32_t>(first_scored),
           [&](std::int32_t first, std::span<const float> rows) {
             for (std::size_t row = 0; row * n_vocab < rows.size(); ++row) {
               const Token next = chunk[static_cast<std::size_t>(first) + row + 1];
               loss -= log_probability(rows.subspan(row * n_vocab, n_vocab), next);
             }
           });
  return loss;
}

void check(const Runner& runner, std::span<const Token> tokens, std::int32_t n_ctx) {
  const RunnerLimits& limits = runner.limits();
  if (n_ctx < 4) throw Error("perplexity needs chunks of at least 4 tokens, not " + std::to_string(n_ctx));
  if (n_ctx > limits.n_ctx) {
    throw Error("perplexity over chunks of " + std::to_string(n_ctx) + " tokens needs a context that long, not " +
                std::to_string(limits.n_ctx));
  }
  if (tokens.size() < static_cast<std::size_t>(n_ctx)) {
    throw Error("the text has " + std::to_string(tokens.size()) + " tokens, fewer than one chunk of " +
                std::to_string(n_ctx) + ": take a longer text or a smaller context");
  }
  for (const Token token : tokens) {
    if (token < 0 || token >= limits.n_vocab)
      throw Error("token " + std::to_string(token) + " is outside the vocabulary");
  }
}

}  // namespace

Perplexity measure_perplexity(Runner& runner, std::span<const Token> tokens, std::optional<Token> bos,
                              std::int32_t n_ctx, const std::function<void(const Perplexity&)>& each_chunk) {
  check(runner, tokens, n_ctx);
  const auto length = static_cast<std::size_t>(n_ctx);
  Perplexity result;
  result.all_chunks = static_cast<std::int32_t>(tokens.size() / length);
  double loss = 0;
  while (result.chunks < result.all_chunks) {
    const auto part = tokens.subspan(static_cast<std::size_t>(result.chunks) * length, length);
    std::vector<Token> chunk(part.begin(), part.end());
    if (bos) chunk[0] = *bos;
    loss += chunk_loss(runner, chunk);
    if (!std::isfinite(loss)) throw Error("the model's logits are not finite: the file may be damaged");
    ++result.chunks;
    result.tokens += n_ctx - 1 - n_ctx / 2;
    result.value = std::exp(loss / static_cast<double>(result.tokens));
    if (each_chunk) each_chunk(result);
  }
  return result;
}

}  // namespace covey
