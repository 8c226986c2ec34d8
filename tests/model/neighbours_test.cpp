#include "model/neighbours.hpp"

#include <gtest/gtest.h>

#include <string>

namespace covey {
namespace {

TEST(Neighbours, never_denies_a_pair_it_has_seen) {
  Neighbours neighbours;
  neighbours.add("aé漢\U0001F600");
  EXPECT_TRUE(neighbours.may_join("a", "é"));
  EXPECT_TRUE(neighbours.may_join("é", "漢"));
  EXPECT_TRUE(neighbours.may_join("漢", "\U0001F600"));
}

TEST(Neighbours, denies_nearly_all_others) {
  Neighbours neighbours;
  neighbours.add("abcdefgh");
  int joins = 0;
  for (char left = '0'; left <= 'z'; ++left) {
    for (char right = '0'; right <= 'z'; ++right) {
      joins += neighbours.may_join(std::string(1, left), std::string(1, right)) ? 1 : 0;
    }
  }
  EXPECT_GE(joins, 7);
  EXPECT_LE(joins, 9);
}

TEST(Neighbours, the_order_matters) {
  Neighbours neighbours;
  neighbours.add("ab");
  EXPECT_FALSE(neighbours.may_join("b", "a"));
}

}  // namespace
}  // namespace covey
