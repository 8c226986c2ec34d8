#include "kernels/cpu/pinned_threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <vector>

#include "covey/error.hpp"

namespace covey {
namespace {

TEST(PinnedThreads, EachDoesItsPartOfEveryRun) {
  for (const int count : {1, 2, 5}) {
    PinnedThreads threads(count);
    EXPECT_EQ(threads.size(), count);
    std::vector<int> calls(static_cast<std::size_t>(count));
    for (int run = 0; run < 20; ++run) {
      EXPECT_GE(threads.run([&](int thread) { ++calls[static_cast<std::size_t>(thread)]; }), 0);
    }
    EXPECT_EQ(calls, std::vector<int>(static_cast<std::size_t>(count), 20));
  }
}

TEST(PinnedThreads, TheirCallerStaysWhereItWas) {
  cpu_set_t before, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  PinnedThreads(2).run([](int) {});
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(PinnedThreads, MayNeverRun) { EXPECT_EQ(PinnedThreads(3).size(), 3); }

TEST(PinnedThreads, RefusesNumbersThatAreNone) {
  EXPECT_THROW(PinnedThreads(0), Error);
  EXPECT_THROW(PinnedThreads(-1), Error);
}

}  // namespace
}  // namespace covey
