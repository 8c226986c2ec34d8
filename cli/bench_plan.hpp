// What `covey bench` measures: tests, and what each costs at least.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu/machine_limits.hpp"
#include "model/work.hpp"

namespace covey {

/// Prefill: one sequence of `depth` cached tokens is extended by a prompt of `tokens`, whose last logits are wanted.
/// Decode: `sequences` that share a prompt of `depth` tokens each get `tokens` more, one in every pass.
struct BenchTest {
  enum class Kind : std::uint8_t { prefill, decode };
  Kind kind = Kind::prefill;
  std::int32_t tokens = 0;
  std::int32_t sequences = 1;
  std::int32_t depth = 0;

  /// "pp256", "tg64", "tg64x8", "tg64x8@d1024".
  std::string name() const;
  /// Tokens that the test evaluates.
  std::int64_t evaluated() const { return std::int64_t{tokens} * sequences; }
  /// Room that it needs in the KV cache, what is cached before included, whole blocks counted.
  std::int64_t cache_tokens(std::int32_t block_tokens) const;
};

/// Lists of the command line; zeros among `prefill` and `decode` mean none.
struct BenchLists {
  std::vector<std::int32_t> prefill{256};
  std::vector<std::int32_t> decode{64};
  std::vector<std::int32_t> batches{1};
  std::vector<std::int32_t> depths{0};
};

/// All tests, depth by depth; without duplicates.
std::vector<BenchTest> bench_tests(const BenchLists& lists);

/// What all passes of a test cost together. Prompts are cut in pieces of `piece` tokens; cache blocks that sequences
/// share are read once.
PassWork work_of(const BenchTest& test, const StageWork& stage, std::int32_t piece, std::int32_t block_tokens);

/// The least time that work takes on a machine, and what binds it.
struct Bound {
  double seconds = 0;
  std::string_view limit;  ///< "int8", "fma" or "bandwidth"
};
Bound bound_of(const PassWork& work, const MachineLimits& limits);

}  // namespace covey
