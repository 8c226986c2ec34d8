#include "model/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "covey/error.hpp"

namespace covey {

namespace {

constexpr SequenceId kSequence = 1 << 30;  // apart from the engine's, which count from 0

void drop_sequence(Runner& runner) {
  if (runner.length(kSequence) == 0) return;
  Batch batch;
  batch.ops.push_back({SequenceOp::Kind::drop, kSequence, 0, 0});
  runner.forward(batch);
}

void evaluate_pieces(Runner& runner, std::span<const Token> tokens, std::int32_t from, const LogitRows& rows) {
  const auto total = static_cast<std::int32_t>(tokens.size());
  const std::int32_t piece = runner.limits().max_tokens;
  Batch batch;
  for (std::int32_t at = 0; at < total; at += piece) {
    batch.clear();
    batch.prompt = true;
    const std::int32_t end = std::min(total, at + piece);
    for (std::int32_t i = at; i < end; ++i) {
      batch.tokens.push_back({tokens[static_cast<std::size_t>(i)], kSequence, i >= from});
    }
    const auto logits = runner.forward(batch);
    if (!logits.empty()) rows(std::max(at, from), logits);
  }
}

}  // namespace

void evaluate(Runner& runner, std::span<const Token> tokens, std::int32_t from, const LogitRows& rows) {
  const RunnerLimits& limits = runner.limits();
  if (tokens.empty()) throw Error("there are no tokens to evaluate");
  if (tokens.size() > static_cast<std::size_t>(limits.n_ctx)) {
    throw Error("the text has " + std::to_string(tokens.size()) + " tokens, the context holds " +
                std::to_string(limits.n_ctx) + ": shorten it or raise the context");
  }
  try {
    evaluate_pieces(runner, tokens, from, rows);
  } catch (...) {
    try {
      drop_sequence(runner);
    } catch (const Error&) {  // the first error is the one to report
    }
    throw;
  }
  drop_sequence(runner);
}

std::vector<float> all_logits(Runner& runner, std::span<const Token> tokens) {
  std::vector<float> all;
  all.reserve(tokens.size() * static_cast<std::size_t>(runner.limits().n_vocab));
  evaluate(runner, tokens, 0,
           [&](std::int32_t, std::span<const float> rows) { all.insert(all.end(), rows.begin(), rows.end()); });
  return all;
}

double log_probability(std::span<const float> logits, Token token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return logits[static_cast<std::size_t>(token)] - largest - std::log(sum);
}

}  // namespace covey
