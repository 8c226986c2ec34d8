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
constexpr Seconds kRepetition{0.004};  // long beside waking the threads, short beside what disturbs them

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

/// Runs body(thread's number) for each thread of the pool at the same time; returns the seconds until all are done.
template <class Body>
double timed(ThreadPool& pool, const Body& body) {
  const auto start = Clock::now();
  pool.parallel_for(pool.size(), 1, [&](std::int64_t begin, std::int64_t end, int) noexcept {
    for (std::int64_t part = begin; part < end; ++part) body(part);
  });
  return Seconds(Clock::now() - start).count();
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

}  // namespace

MachineLimits best_of(const MachineLimits& a, const MachineLimits& b) {
  return {std::max(a.int8_operations, b.int8_operations), std::max(a.float_operations, b.float_operations),
          std::max(a.read_bytes, b.read_bytes)};
}

LimitMeter::LimitMeter(const LimitEffort& effort)
    : effort_(effort),
      buffer_(effort.buffer_bytes != 0 ? effort.buffer_bytes : default_buffer_bytes(), "measuring memory") {
  // Pages that were never written are all one page of zeros.
  std::memset(buffer_.data(), 1, buffer_.size());
}

double LimitMeter::fastest(const std::array<PeakLoop, kPeakVariants>& variants, ThreadPool& pool) const {
  double best = 0;
  for (const PeakLoop loop : variants) {
    std::int64_t rounds = 1000;
    while (timed(pool, [&](std::int64_t) noexcept { loop(rounds); }) < kRepetition.count()) rounds *= 2;
    const std::int64_t operations = loop(1) * rounds * pool.size();
    best =
        std::max(best, most(effort_.time / kPeakVariants, [&] {
                   return static_cast<double>(operations) / timed(pool, [&](std::int64_t) noexcept { loop(rounds); });
                 }));
  }
  return best;
}

double LimitMeter::fastest(const std::array<PeakRead, kPeakVariants>& variants, ThreadPool& pool) const {
  const std::size_t part = buffer_.size() / static_cast<std::size_t>(pool.size()) / kPeakReadBytes * kPeakReadBytes;
  const auto bytes = static_cast<double>(part) * pool.size();
  double best = 0;
  for (const PeakRead read : variants) {
    best = std::max(best, most(effort_.time / kPeakVariants, [&] {
                      return bytes / timed(pool, [&](std::int64_t index) noexcept {
                               read(buffer_.data() + static_cast<std::size_t>(index) * part, part);
                             });
                    }));
  }
  return best;
}

MachineLimits LimitMeter::measure(const IsaTable& isa, int threads) {
  ThreadPool pool(threads);
  return {fastest(isa.peak_int8, pool), fastest(isa.peak_fma, pool), fastest(isa.peak_read, pool)};
}

}  // namespace covey
