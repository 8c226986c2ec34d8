#include "cli/bench_run.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace covey {

namespace {

constexpr SequenceId kPrompt = 0;  // stays cached; what is timed forks from it
constexpr SequenceId kFirst = 1;

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

BenchRun::BenchRun(Stage& stage, std::function<void()> between) : runner_(stage), between_(std::move(between)) {}

void BenchRun::prepare(const BenchTest& test) {
  cache_prompt(test.depth);
  repeat(test);
}

double BenchRun::repeat(const BenchTest& test) {
  for (SequenceId s = kFirst; s < kFirst + test.sequences; ++s) begin(s, test.depth);
  const double seconds = test.kind == BenchTest::Kind::prefill ? prefill(test) : decode(test);
  batch_.clear();
  for (SequenceId s = kFirst; s < kFirst + test.sequences; ++s) {
    batch_.ops.push_back({SequenceOp::Kind::drop, s, 0, 0});
  }
  runner_.forward(batch_);
  return seconds;
}

double BenchRun::prefill(const BenchTest& test) {
  return seconds_of([&] { evaluate_prompt(kFirst, test.tokens, true); });
}

double BenchRun::decode(const BenchTest& test) {
  return seconds_of([&] {
    for (std::int32_t step = 0; step < test.tokens; ++step) {
      between_();
      batch_.clear();
      for (SequenceId s = kFirst; s < kFirst + test.sequences; ++s) batch_.tokens.push_back({next_token(), s, true});
      runner_.forward(batch_);
    }
  });
}

// Leaves the prompt with `depth` tokens, whatever it had.
void BenchRun::cache_prompt(std::int32_t depth) {
  const std::int32_t cached = runner_.length(kPrompt);
  if (cached == depth) return;
  if (cached > 0) {
    batch_.clear();
    batch_.ops.push_back({SequenceOp::Kind::drop, kPrompt, 0, 0});
    runner_.forward(batch_);
  }
  evaluate_prompt(kPrompt, depth, false);
}

// As the engine does: in pieces of as many tokens as a pass takes.
void BenchRun::evaluate_prompt(SequenceId sequence, std::int32_t tokens, bool wants_logits) {
  for (std::int32_t done = 0; done < tokens;) {
    between_();
    const std::int32_t piece = std::min(runner_.limits().max_tokens, tokens - done);
    batch_.clear();
    batch_.prompt = true;
    for (std::int32_t i = 0; i < piece; ++i) batch_.tokens.push_back({next_token(), sequence, false});
    done += piece;
    batch_.tokens.back().wants_logits = wants_logits && done == tokens;
    runner_.forward(batch_);
  }
}

// A sequence without a past begins with its first token.
void BenchRun::begin(SequenceId sequence, std::int32_t depth) {
  if (depth == 0) return;
  batch_.clear();
  batch_.ops.push_back({SequenceOp::Kind::fork, sequence, kPrompt, depth});
  runner_.forward(batch_);
}

// Which tokens are evaluated does not change what that takes; choosing them by their logits would.
Token BenchRun::next_token() {
  random_ = random_ * 6364136223846793005U + 1442695040888963407U;
  return static_cast<Token>((random_ >> 33) % static_cast<std::uint64_t>(runner_.limits().n_vocab));
}

}  // namespace covey
