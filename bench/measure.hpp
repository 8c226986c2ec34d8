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
#include "kernels/device.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {

/// What computes: one thread with an instruction set, or a Vulkan device.
struct Computer {
  std::string name;               ///< "avx2", "vulkan:0"
  const IsaTable* isa = nullptr;  ///< nullptr: a Vulkan device
  VulkanOptions gpu;

  std::unique_ptr<Device> device() const;
  /// Measured when first asked for.
  const MachineLimits& limits() const;
  /// Processor time of this thread: as the library's own rates, it does not grow while the thread has to wait. Of a GPU
  /// the time of day.
  double seconds() const;
  /// Operations that are handed over together, so that what handing over costs is not what is measured.
  std::int32_t together() const { return isa != nullptr ? 1 : 64; }
};

/// One thread with each instruction set that runs here, then Vulkan devices.
std::vector<Computer> computers_here();

/// Instruction sets that run here.
std::vector<const IsaTable*> isas_here();

/// What one iteration costs at least.
struct IterationWork {
  double int8_operations = 0;
  double float_operations = 0;
  double bytes = 0;  ///< read from memory
};

/// Runs `iterate` as often as the library wants, and `finish` after some times and in the end: then all is done.
/// Counters: operations and bytes a second, and "%limit", the time that the computer needs at least as a share of the
/// time taken.
template <class Iterate, class Finish>
void run_counted(benchmark::State& state, const Computer& computer, const IterationWork& work, const Iterate& iterate,
                 const Finish& finish) {
  const double start = computer.seconds();
  std::int32_t recorded = 0;
  for (auto _ : state) {
    iterate();
    if (++recorded == computer.together()) {
      finish();
      recorded = 0;
    }
  }
  finish();
  const double taken = computer.seconds() - start;
  const MachineLimits& limits = computer.limits();
  // The library's clocks won't do: one does not see a GPU's time, and both stop before the last `finish`.
  const auto rate = [&](double each) { return each * static_cast<double>(state.iterations()) / taken; };
  state.counters["Gop"] = rate((work.int8_operations + work.float_operations) * 1e-9);
  state.counters["GB"] = rate(work.bytes * 1e-9);
  const double computing = (work.int8_operations > 0 ? work.int8_operations / limits.int8_operations : 0) +
                           work.float_operations / std::max(limits.float_operations, limits.half_operations);
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
