// What all benchmarks share: the machine's limits, and the counters that compare with them.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/machine_limits.hpp"

namespace covey {

/// Of one thread; measured when first asked for.
const MachineLimits& limits_of(const IsaTable& isa);

/// Instruction sets that run here.
std::vector<const IsaTable*> isas_here();

/// What one iteration costs at least.
struct IterationWork {
  double int8_operations = 0;
  double float_operations = 0;
  double bytes = 0;  ///< read from memory
};

/// Processor time of this thread: as the library's own rates, it does not grow while the thread has to wait.
double thread_seconds();

/// Runs `iterate` as often as the library wants. Counters: operations and bytes a second, and "%limit", the time that
/// `isa` needs at least as a share of the time taken.
template <class Iterate>
void run_counted(benchmark::State& state, const IsaTable& isa, const IterationWork& work, const Iterate& iterate) {
  const double start = thread_seconds();
  for (auto _ : state) iterate();
  const double taken = thread_seconds() - start;
  const MachineLimits& limits = limits_of(isa);
  const auto rate = [&](double each) {
    return benchmark::Counter(each * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  };
  state.counters["Gop"] = rate((work.int8_operations + work.float_operations) * 1e-9);
  state.counters["GB"] = rate(work.bytes * 1e-9);
  const double computing =
      work.int8_operations / limits.int8_operations + work.float_operations / limits.float_operations;
  const double least = std::max(computing, work.bytes / limits.read_bytes);
  state.counters["%limit"] = 100 * least * static_cast<double>(state.iterations()) / taken;
}

/// n floats in [-1, 1), the same for the same seed.
std::vector<float> random_floats(std::size_t n, std::uint64_t seed = 1);

/// Memory to stream through, so that the next iteration finds nothing of the last in a cache.
inline constexpr std::size_t kStreamBytes = std::size_t{128} << 20;

/// Preparation that the library repeats with every attempt at an iteration count is made once while the key stays.
template <class Prepared>
Prepared& prepared(const std::string& key, const std::function<std::unique_ptr<Prepared>()>& make) {
  static std::string last_key;
  static std::unique_ptr<Prepared> last;
  if (last == nullptr || key != last_key) {
    last.reset();  // before the next takes its memory
    last = make();
    last_key = key;
  }
  return *last;
}

void register_matmul();
void register_attention();
void register_elementwise();
void register_all_reduce();

}  // namespace covey
