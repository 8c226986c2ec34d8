// covey_benchmarks: the kernels one by one, against what the machine can do. Takes Google Benchmark's own options:
//
//   covey_benchmarks --benchmark_filter=matmul/Q4_0/avx2
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>

#include "bench/measure.hpp"

namespace covey {

const MachineLimits& limits_of(const IsaTable& isa) {
  static std::map<const IsaTable*, MachineLimits> known;
  const auto found = known.find(&isa);
  if (found != known.end()) return found->second;
  return known.emplace(&isa, LimitMeter().measure(isa, 1)).first->second;
}

std::vector<const IsaTable*> isas_here() {
  std::vector<const IsaTable*> here;
  std::ranges::copy_if(isa_tables(), std::back_inserter(here), [](const IsaTable* isa) { return isa->runs_here(); });
  return here;
}

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  for (float& value : values) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(static_cast<std::int32_t>(seed >> 40)) * 0x1p-23F - 1.0F;
  }
  return values;
}

}  // namespace covey

int main(int argc, char** argv) {
  covey::register_matmul();
  covey::register_attention();
  covey::register_elementwise();
  covey::register_all_reduce();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
