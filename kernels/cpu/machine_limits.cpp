#include "kernels/cpu/machine_limits.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace covey {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kLeastBuffer = std::size_t{256} << 20;
constexpr std::size_t kMostBuffer = std::size_t{1} << 30;
constexpr int kLeastRepetitions = 3;
// Long beside the threads' not quite starting together.
constexpr double kRepetition = 0.002;
// About what generating a token reads: memory does not sustain what it may reach for a millisecond.
constexpr std::size_t kRepetitionBytes = std::size_t{256} << 20;

/// Four times the last-level cache, between the bounds, but no more than a quarter of the machine's memory.
std::size_t default_buffer_bytes() {
  std::size_t bytes = kLeastBuffer;
#ifdef _SC_LEVEL3_CACHE_SIZE
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (cache > 0) bytes = std::clamp(4 * static_cast<std::size_t>(cache), kLeastBuffer, kMostBuffer);
#endif
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return bytes;
  return std::min(bytes, static_cast<std::size_t>(pages) / 4 * static_cast<std::size_t>(page_bytes));
}

/// The most that `rate` returns until the time is over. The first repetitions warm the clock, the caches and the
/// threads up; being slower, they do not count.
template <class Rate>
double most(Seconds time, const Rate& rate) {
  const auto end = Clock::now() + time;
  double best = 0;
  for (int done = 0; done < kLeastRepetitions || Clock::now() < end; ++done) best = std::max(best, rate());
  return best;
}

double fastest(const std::array<PeakLoop, kPeakVariants>& variants, PinnedThreads& threads, Seconds time) {
  double best = 0;
  for (const PeakLoop loop : variants) {
    std::int64_t rounds = 1000;
    const auto seconds = [&] { return threads.run([&](int) { loop(rounds); }); };
    while (seconds() < kRepetition) rounds *= 2;
    const auto operations = static_cast<double>(loop(1) * rounds * threads.size());
    best = std::max(best, most(time / kPeakVariants, [&] { return operations / seconds(); }));
  }
  return best;
}

// Each thread has its part of the buffer, and reads on in it from repetition to repetition: what it meets again has
// left the caches.
double fastest(const std::array<PeakRead, kPeakVariants>& variants, PinnedThreads& threads, Seconds time,
               const AlignedBuffer& buffer) {
  const auto count = static_cast<std::size_t>(threads.size());
  const std::size_t part = buffer.size() / count / kPeakReadBytes * kPeakReadBytes;
  const std::size_t piece = std::min(part, kRepetitionBytes / count / kPeakReadBytes * kPeakReadBytes);
  double best = 0;
  std::size_t at = 0;
  for (const PeakRead read : variants) {
    best = std::max(best, most(time / kPeakVariants, [&] {
                      at = at + 2 * piece <= part ? at + piece : 0;
                      const double seconds = threads.run([&](int thread) {
                        read(buffer.data() + static_cast<std::size_t>(thread) * part + at, piece);
                      });
                      return static_cast<double>(piece * count) / seconds;
                    }));
  }
  return best;
}

}  // namespace

MachineLimits best_of(const MachineLimits& a, const MachineLimits& b) {
  return {std::max(a.int8_operations, b.int8_operations), std::max(a.float_operations, b.float_operations),
          std::max(a.read_bytes, b.read_bytes), std::max(a.half_operations, b.half_operations)};
}

MachineLimits mean_of(const MachineLimits& a, const MachineLimits& b) {
  return {(a.int8_operations + b.int8_operations) / 2, (a.float_operations + b.float_operations) / 2,
          (a.read_bytes + b.read_bytes) / 2, (a.half_operations + b.half_operations) / 2};
}

LimitMeter::LimitMeter(std::size_t buffer_bytes)
    : buffer_(buffer_bytes != 0 ? buffer_bytes : default_buffer_bytes(), "measuring memory") {
  // Pages that were never written are all one page of zeros.
  std::memset(buffer_.data(), 1, buffer_.size());
}

MachineLimits LimitMeter::measure(const IsaTable& isa, int threads, Seconds time) {
  PinnedThreads pinned(threads);
  return {fastest(isa.peak_int8, pinned, time), fastest(isa.peak_fma, pinned, time),
          fastest(isa.peak_read, pinned, time, buffer_), 0};
}

}  // namespace covey
