#include "kernels/cpu/machine_limits.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "covey/error.hpp"
#include "kernels/cpu/isa.hpp"

namespace covey {
namespace {

TEST(MachineLimits, EveryInstructionSetHasLoopsThatCountTheirWork) {
  for (const IsaTable* isa : isa_tables()) {
    for (const auto& loops : {isa->peak_int8, isa->peak_fma}) {
      for (const PeakLoop loop : loops) {
        ASSERT_NE(loop, nullptr) << isa->name;
        if (!isa->runs_here()) continue;
        const std::int64_t one = loop(1);
        EXPECT_GT(one, 0) << isa->name;
        EXPECT_EQ(loop(7), 7 * one) << isa->name;
        EXPECT_EQ(loop(0), 0) << isa->name;
      }
    }
    for (const PeakRead read : isa->peak_read) ASSERT_NE(read, nullptr) << isa->name;
  }
}

TEST(MachineLimits, ReadingStaysInsideTheBytes) {
  for (const IsaTable* isa : isa_tables()) {
    if (!isa->runs_here()) continue;
    for (const PeakRead read : isa->peak_read) {
      // Exactly as long as told, so that the address sanitizer sees a byte too many.
      for (const std::size_t pieces : {0, 1, 2, 5}) {
        const std::vector<std::byte> bytes(pieces * kPeakReadBytes);
        read(bytes.data(), bytes.size());
      }
    }
  }
}

TEST(MachineLimits, EveryLimitIsMeasured) {
  LimitMeter meter(1 << 16);
  for (const IsaTable* isa : isa_tables()) {
    if (!isa->runs_here()) continue;
    for (const int threads : {1, 3}) {
      const MachineLimits limits = meter.measure(*isa, threads, std::chrono::duration<double>(0));
      for (const double limit : {limits.int8_operations, limits.float_operations, limits.read_bytes}) {
        EXPECT_TRUE(std::isfinite(limit) && limit > 0) << isa->name << ", " << threads << " threads";
      }
    }
  }
}

TEST(MachineLimits, RefusesNumbersOfThreadsThatAreNone) {
  LimitMeter meter(1 << 16);
  EXPECT_THROW(meter.measure(select_isa("scalar"), 0), Error);
  EXPECT_THROW(meter.measure(select_isa("scalar"), 1 << 20), Error);
}

TEST(MachineLimits, TheBestOfTwoIsTheLargerOfEach) {
  const MachineLimits best = best_of({3, 1, 5}, {2, 4, 5});
  EXPECT_EQ(best.int8_operations, 3);
  EXPECT_EQ(best.float_operations, 4);
  EXPECT_EQ(best.read_bytes, 5);
}

TEST(MachineLimits, TheMeanOfTwoIsHalfWay) {
  const MachineLimits mean = mean_of({3, 1, 5}, {2, 4, 5});
  EXPECT_EQ(mean.int8_operations, 2.5);
  EXPECT_EQ(mean.float_operations, 2.5);
  EXPECT_EQ(mean.read_bytes, 5);
}

}  // namespace
}  // namespace covey
