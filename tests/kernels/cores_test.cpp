#include "kernels/cpu/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace covey {
namespace {

TEST(Cores, QuotaRoundsUp) {
  EXPECT_EQ(quota_cores("100000 100000\n"), 1);
  EXPECT_EQ(quota_cores("150000 100000\n"), 2);
  EXPECT_EQ(quota_cores("10000 100000\n"), 1);
  EXPECT_EQ(quota_cores("400000 100000"), 4);
  EXPECT_EQ(quota_cores("9223372036854775807 1"), 65536);
}

TEST(Cores, NoQuotaIsNoLimit) {
  for (const std::string_view text : {"max 100000\n", "", "\n", "100000", "100000 ", "100000 0", "-1 100000",
                                      "0 100000", "abc def", "99999999999999999999999 1", "100000x100000"}) {
    EXPECT_EQ(quota_cores(text), 0) << text;
  }
}

class CgroupTest : public testing::Test {
 protected:
  CgroupTest()
      : mount_(std::filesystem::temp_directory_path() /
               ("covey-cgroup-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(mount_);
    std::filesystem::create_directories(mount_ / "outer" / "inner");
  }
  ~CgroupTest() override { std::filesystem::remove_all(mount_); }

  void limit(const std::filesystem::path& group, std::string_view text) {
    std::ofstream(mount_ / group / "cpu.max") << text;
  }

  const std::filesystem::path mount_;
};

TEST_F(CgroupTest, TakesTheTightestOfTheGroupsAround) {
  limit("outer", "300000 100000\n");
  EXPECT_EQ(cgroup_cores(mount_, "0::/outer/inner\n"), 3);
  limit("outer/inner", "200000 100000\n");
  EXPECT_EQ(cgroup_cores(mount_, "0::/outer/inner\n"), 2);
  limit("", "100000 100000\n");
  EXPECT_EQ(cgroup_cores(mount_, "0::/outer/inner\n"), 1);
}

TEST_F(CgroupTest, FindsTheUnifiedHierarchyAmongOthers) {
  limit("outer", "300000 100000\n");
  EXPECT_EQ(cgroup_cores(mount_, "5:cpuset:/\n1:cpu:/outer/inner\n0::/outer"), 3);
}

TEST_F(CgroupTest, NoLimitWithoutFiles) {
  EXPECT_EQ(cgroup_cores(mount_, "0::/outer/inner\n"), 0);
  EXPECT_EQ(cgroup_cores(mount_, "0::/gone\n"), 0);
  EXPECT_EQ(cgroup_cores(mount_, ""), 0);
  EXPECT_EQ(cgroup_cores(mount_ / "gone", "0::/\n"), 0);
}

TEST(Cores, FollowsTheAffinityMask) {
  ASSERT_GE(available_cores(), 1);
  EXPECT_LE(available_cores(), static_cast<int>(std::thread::hardware_concurrency()));
  // On a thread of its own: the mask belongs to the thread.
  std::thread([] {
    cpu_set_t mask;
    ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    ASSERT_EQ(sched_setaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(available_cores(), 1);
  }).join();
}

}  // namespace
}  // namespace covey
