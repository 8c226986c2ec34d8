#include "model/evaluate.hpp"

#include <algorithm>
#include <exception>
#include <string>

#include "covey/error.hpp"

namespace covey {

namespace {

constexpr SequenceId kSequence = 1 << 30;  // apart from the engine's, which count from 0

/// Ends the sequence however evaluation ends.
class SequenceGuard {
 public:
  explicit SequenceGuard(Runner& runner) : runner_(runner), exceptions_(std::uncaught_exceptions()) {}
  SequenceGuard(const SequenceGuard&) = delete;
  SequenceGuard& operator=(const SequenceGuard&) = delete;
  ~SequenceGuard() noexcept(false) {
    if (runner_.length(kSequence) == 0) return;
    Batch batch;
    batch.ops.push_back({SequenceOp::Kind::drop, kSequence, 0, 0});
    if (std::uncaught_exceptions() == exceptions_) {
      runner_.forward(batch);
      return;
    }
    try {
      runner_.forward(batch);
    } catch (const Error&) {  // the first error is the one to report
    }
  }

 private:
  Runner& runner_;
  int exceptions_;
};

}  // namespace

void evaluate(Runner& runner, std::span<const Token> tokens, std::int32_t from, const LogitRows& rows) {
  const RunnerLimits& limits = runner.limits();
  if (tokens.empty()) throw Error("there are no tokens to evaluate");
  if (tokens.size() > static_cast<std::size_t>(limits.n_ctx)) {
    throw Error("the text has " + std::to_string(tokens.size()) + " tokens, the context holds " +
                std::to_string(limits.n_ctx) + ": shorten it or raise the context");
  }
  const auto total = static_cast<std::int32_t>(tokens.size());
  const SequenceGuard guard(runner);
  Batch batch;
  for (std::int32_t at = 0; at < total; at += limits.max_tokens) {
    batch.clear();
    batch.prompt = true;
    const std::int32_t end = std::min(total, at + limits.max_tokens);
    for (std::int32_t i = at; i < end; ++i) {
      batch.tokens.push_back({tokens[static_cast<std::size_t>(i)], kSequence, i >= from});
    }
    const auto logits = runner.forward(batch);
    if (!logits.empty()) rows(std::max(at, from), logits);
  }
}

std::vector<float> all_logits(Runner& runner, std::span<const Token> tokens) {
  std::vector<float> all;
  all.reserve(tokens.size() * static_cast<std::size_t>(runner.limits().n_vocab));
  evaluate(runner, tokens, 0,
           [&](std::int32_t, std::span<const float> rows) { all.insert(all.end(), rows.begin(), rows.end()); });
  return all;
}

}  // namespace covey
