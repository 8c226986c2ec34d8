#include "cli/bench_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace covey {

namespace {

std::int64_t whole_blocks(std::int64_t tokens, std::int32_t block_tokens) {
  return (tokens + block_tokens - 1) / block_tokens * block_tokens;
}

}  // namespace

std::string BenchTest::name() const {
  std::string name = fmt::format("{}{}", kind == Kind::prefill ? "pp" : "tg", tokens);
  if (sequences > 1) name += fmt::format("x{}", sequences);
  if (depth > 0) name += fmt::format("@d{}", depth);
  return name;
}

std::int64_t BenchTest::cache_tokens(std::int32_t block_tokens) const {
  // The prompt stays cached beside the sequences, each of which may copy its last block.
  return whole_blocks(depth, block_tokens) +
         sequences * whole_blocks(std::int64_t{tokens} + block_tokens, block_tokens);
}

std::vector<BenchTest> bench_tests(const BenchLists& lists) {
  std::vector<BenchTest> tests;
  const auto add = [&](const BenchTest& test) {
    const std::string name = test.name();
    const bool known = std::ranges::any_of(tests, [&](const BenchTest& other) { return other.name() == name; });
    if (test.tokens > 0 && !known) tests.push_back(test);
  };
  for (const std::int32_t depth : lists.depths) {
    for (const std::int32_t tokens : lists.prefill) add({BenchTest::Kind::prefill, tokens, 1, depth});
    for (const std::int32_t tokens : lists.decode) {
      for (const std::int32_t sequences : lists.batches) add({BenchTest::Kind::decode, tokens, sequences, depth});
    }
  }
  return tests;
}

PassWork work_of(const BenchTest& test, const StageWork& stage, std::int32_t piece, std::int32_t block_tokens) {
  PassWork work;
  const std::int64_t depth = test.depth;
  if (test.kind == BenchTest::Kind::prefill) {
    for (std::int64_t done = 0; done < test.tokens;) {
      const std::int64_t tokens = std::min<std::int64_t>(piece, test.tokens - done);
      done += tokens;
      work += pass_work(stage, tokens, done == test.tokens ? 1 : 0, depth + done);
    }
    return work;
  }
  const std::int64_t shared = depth / block_tokens * block_tokens;
  for (std::int64_t step = 1; step <= test.tokens; ++step) {
    work += pass_work(stage, test.sequences, test.sequences, shared + test.sequences * (depth - shared + step));
  }
  return work;
}

Bound bound_of(const PassWork& work, const MachineLimits& limits) {
  // Where nothing is done in int8 its limit may be unknown.
  const double int8 =
      work.int8_operations == 0 ? 0.0 : static_cast<double>(work.int8_operations) / limits.int8_operations;
  // Where products are in fp16, few others are worth counting.
  const double fma =
      static_cast<double>(work.float_operations) / std::max(limits.float_operations, limits.half_operations);
  const double reading = static_cast<double>(work.bytes) / limits.read_bytes;
  if (reading >= int8 + fma) return {reading, "bandwidth"};
  return {int8 + fma, int8 >= fma ? "int8" : "fma"};
}

}  // namespace covey
