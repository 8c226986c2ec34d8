// Carries out the tests of `covey bench` on a loaded model.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cli/bench_plan.hpp"
#include "model/stage.hpp"

namespace covey {

class BenchRun {
 public:
  /// `stage` must outlive the object. `between` is called between passes, and may throw.
  BenchRun(Stage& stage, std::function<void()> between);

  /// Seconds that each of `repetitions` took. One before them warms up and does not count.
  std::vector<double> time(const BenchTest& test, int repetitions, const std::function<void()>& repeated);

 private:
  double repeat(const BenchTest& test);
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
