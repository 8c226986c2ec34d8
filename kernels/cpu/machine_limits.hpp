// What this machine can do at most, measured: the yardstick for whatever computes on it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/pinned_threads.hpp"

namespace covey {

/// Per second, of some threads together.
struct MachineLimits {
  double int8_operations = 0;   ///< of int8 x int8 -> int32 dot products; a multiply-add is two
  double float_operations = 0;  ///< of fp32 multiply-adds, the same
  double read_bytes = 0;        ///< read from memory in sequence, each thread its own part
};

/// The larger of each.
MachineLimits best_of(const MachineLimits& a, const MachineLimits& b);

struct LimitEffort {
  /// Spent on each of the three, about.
  std::chrono::duration<double> time{0.3};
  /// Memory to read; 0: several times the last-level cache, so that little of it is still there at the next reading.
  std::size_t buffer_bytes = 0;
};

/// Measures one instruction set after the other, on any number of threads.
///
/// The fastest of many short repetitions counts: what disturbs a repetition only ever makes it slower, and a limit is
/// what the machine can do undisturbed. Those of arithmetic are shorter than the slices of time that the system gives
/// out, so that some are undisturbed on a busy machine, too. Each thread has a processor of its own.
class LimitMeter {
 public:
  /// Throws Error if there is no memory for the buffer.
  explicit LimitMeter(const LimitEffort& effort = {});

  /// `isa` must run here. Throws Error if so many threads cannot be started.
  MachineLimits measure(const IsaTable& isa, int threads);

 private:
  double fastest(const std::array<PeakLoop, kPeakVariants>& variants, PinnedThreads& threads) const;
  double fastest(const std::array<PeakRead, kPeakVariants>& variants, PinnedThreads& threads) const;

  LimitEffort effort_;
  AlignedBuffer buffer_;
};

}  // namespace covey
