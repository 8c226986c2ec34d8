// Enters forward passes in the ledger.
#pragma once

#include "model/runner.hpp"
#include "mpi/ledger.hpp"

namespace covey {

/// Times one pass of `batch` and enters it, under prefill for prompts, else decode: rank 0 through MeteredRunner, other
/// ranks directly. `forward` is called once. Batches without tokens are no passes and not entered.
template <typename Forward>
auto metered(Ledger& ledger, const Batch& batch, Forward&& forward) {
  if (batch.tokens.empty()) return forward();
  ledger.set_phase(batch.prompt ? Phase::prefill : Phase::decode);
  ledger.begin_pass();
  const auto start = Clock::now();
  auto result = forward();
  ledger.enter_pass(static_cast<std::int64_t>(batch.tokens.size()),
                    std::chrono::duration<double>(Clock::now() - start).count());
  return result;
}

class MeteredRunner final : public Runner {
 public:
  /// Both must outlive the object.
  MeteredRunner(Runner& below, Ledger& ledger) : below_(below), ledger_(ledger) {}

  const RunnerLimits& limits() const override { return below_.limits(); }
  std::int32_t free_blocks() const override { return below_.free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return below_.blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return below_.length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return below_.can_cut(sequence, length); }
  std::span<const float> forward(const Batch& batch) override {
    return metered(ledger_, batch, [&] { return below_.forward(batch); });
  }
  std::int32_t depth() const override { return below_.depth(); }
  void start(const Batch& batch) override {
    metered(ledger_, batch, [&] {
      below_.start(batch);
      return 0;
    });
  }
  std::span<const float> finish() override {
    ledger_.begin_pass();
    const auto start = Clock::now();
    const auto logits = below_.finish();
    ledger_.enter_rest(std::chrono::duration<double>(Clock::now() - start).count());
    return logits;
  }

 private:
  Runner& below_;
  Ledger& ledger_;
};

}  // namespace covey
