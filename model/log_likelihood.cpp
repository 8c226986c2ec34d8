#include "model/log_likelihood.hpp"

#include <algorithm>
#include <string>

#include "covey/error.hpp"
#include "model/evaluate.hpp"

namespace covey {

namespace {

// Apart from the engine's sequences, which count from 0, and from that of evaluate().
constexpr SequenceId kPromptSequence = (1 << 30) + 1;
constexpr SequenceId kContinuation = (1 << 30) + 2;

class Scorer {
 public:
  explicit Scorer(Runner& runner) : runner_(runner), n_vocab_(static_cast<std::size_t>(runner.limits().n_vocab)) {}
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;
  ~Scorer() {
    try {
      drop(kContinuation);
      drop(kPromptSequence);
    } catch (const std::exception&) {  // what failed before is what is reported
    }
  }

  void read(std::span<const Token> prompt) {
    prompt_tokens_ = static_cast<std::int32_t>(prompt.size());
    const auto piece = static_cast<std::size_t>(runner_.limits().max_tokens);
    for (std::size_t at = 0; at < prompt.size(); at += piece) {
      Batch batch;
      batch.prompt = true;
      const std::size_t end = std::min(prompt.size(), at + piece);
      for (std::size_t i = at; i < end; ++i) {
        batch.tokens.push_back({prompt[i], kPromptSequence, i + 1 == prompt.size()});
      }
      const auto logits = runner_.forward(batch);
      after_prompt_.assign(logits.begin(), logits.end());
    }
  }

  double score(const std::vector<Token>& continuation) {
    double sum = log_probability(after_prompt_, continuation.front());
    if (continuation.size() == 1) return sum;
    Batch batch;
    batch.prompt = true;
    batch.ops.push_back({SequenceOp::Kind::fork, kContinuation, kPromptSequence, prompt_tokens_});
    const auto piece = static_cast<std::size_t>(runner_.limits().max_tokens);
    const std::size_t last = continuation.size() - 1;  // which nothing follows
    for (std::size_t at = 0; at < last; at += piece) {
      const std::size_t end = std::min(last, at + piece);
      for (std::size_t i = at; i < end; ++i) batch.tokens.push_back({continuation[i], kContinuation, true});
      const auto logits = runner_.forward(batch);
      for (std::size_t i = at; i < end; ++i) {
        sum += log_probability(logits.subspan((i - at) * n_vocab_, n_vocab_), continuation[i + 1]);
      }
      batch.clear();
      batch.prompt = true;
    }
    drop(kContinuation);
    return sum;
  }

 private:
  void drop(SequenceId sequence) {
    if (runner_.length(sequence) == 0) return;
    Batch batch;
    batch.ops.push_back({SequenceOp::Kind::drop, sequence, 0, 0});
    runner_.forward(batch);
  }

  Runner& runner_;
  std::size_t n_vocab_;
  std::int32_t prompt_tokens_ = 0;
  std::vector<float> after_prompt_;  // (n_vocab)
};

}  // namespace

std::vector<double> log_likelihoods(Runner& runner, std::span<const Token> prompt,
                                    std::span<const std::vector<Token>> continuations) {
  std::size_t longest = 0;
  for (const std::vector<Token>& continuation : continuations) {
    if (continuation.empty()) throw Error("a continuation without tokens has no likelihood");
    longest = std::max(longest, continuation.size());
  }
  if (prompt.empty()) throw Error("a continuation of nothing has no likelihood: the prompt has no tokens");
  if (prompt.size() + longest > static_cast<std::size_t>(runner.limits().n_ctx)) {
    throw Error("a prompt of " + std::to_string(prompt.size()) + " tokens and a continuation of " +
                std::to_string(longest) + " don't fit the context of " + std::to_string(runner.limits().n_ctx));
  }
  Scorer scorer(runner);
  scorer.read(prompt);
  std::vector<double> scores;
  for (const std::vector<Token>& continuation : continuations) scores.push_back(scorer.score(continuation));
  return scores;
}

}  // namespace covey
