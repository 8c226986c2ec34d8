#include "model/random.hpp"

#include <gtest/gtest.h>

namespace covey {
namespace {

// The first outputs published with the generator, for state 1234567.
TEST(Random, the_published_sequence) {
  std::uint64_t state = 1234567;
  for (const std::uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U}) {
    EXPECT_EQ(next_random(state), expected);
  }
}

TEST(Random, uniform_fills_the_unit_interval) {
  std::uint64_t state = 0;
  int tenths[10] = {};
  for (int i = 0; i < 100000; ++i) {
    const double uniform = next_uniform(state);
    ASSERT_GE(uniform, 0.0);
    ASSERT_LT(uniform, 1.0);
    ++tenths[static_cast<int>(uniform * 10)];
  }
  for (const int count : tenths) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace covey
