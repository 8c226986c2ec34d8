// Carries out the tests of `covey bench` on a loaded model.
#pragma once

#include <cstdint>
#include <functional>

#include "cli/bench_plan.hpp"
#include "model/stage.hpp"

namespace covey {

class BenchRun {
 public:
  /// `stage` must outlive the object. `between` is called between passes, and may throw.
  BenchRun(Stage& stage, std::function<void()> between);

  /// Brings the cache to where the test begins, and warms up by a repetition that does not count.
  void prepare(const BenchTest& test);
  /// Seconds that the test takes, once more. It is the one that was prepared last.
  double repeat(const BenchTest& test);

 private:
  double prefill(const BenchTest& test);
  double decode(const BenchTest& test);
  void cache_prompt(std::int32_t depth);
  void evaluate_prompt(SequenceId sequence, std::int32_t tokens, bool wants_logits);
  void begin(SequenceId sequence, std::int32_t depth);
  Token next_token();

  LocalRunner runner_;
  std::function<void()> between_;
  Batch batch_;
  std::uint64_t random_ = 1;
};

}  // namespace covey
