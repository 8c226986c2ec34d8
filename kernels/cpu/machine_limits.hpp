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
  double half_operations = 0;   ///< of fp16 multiply-adds with F32 sums, where products are computed so; 0: elsewhere
};

/// The larger of each.
MachineLimits best_of(const MachineLimits& a, const MachineLimits& b);
/// Half way from one to the other.
MachineLimits mean_of(const MachineLimits& a, const MachineLimits& b);

/// Long enough for some moments that nothing disturbs, mostly.
inline constexpr std::chrono::duration<double> kLimitTime{0.3};

/// Measures one instruction set after the other, on any number of threads.
///
/// The fastest of many short repetitions counts: what disturbs a repetition only ever makes it slower, and a limit is
/// what the machine can do undisturbed. Those of arithmetic are shorter than the slices of time that the system gives
/// out, so that some are undisturbed on a busy machine, too. Each thread has a processor of its own.
class LimitMeter {
 public:
  /// `buffer_bytes` of memory will be read; 0: several times the last-level cache, so that little of it is still there
  /// at the next reading. Throws Error if they cannot be had.
  explicit LimitMeter(std::size_t buffer_bytes = 0);

  /// Spends about `time` on each of the three, or, if that is less, what a few repetitions take: with 0, a tenth of a
  /// second in all. `isa` must run here. Throws Error if so many threads cannot be started.
  MachineLimits measure(const IsaTable& isa, int threads, std::chrono::duration<double> time = kLimitTime);

 private:
  AlignedBuffer buffer_;
};

}  // namespace covey
