#include "mpi/launch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "mpi/open_transport.hpp"
#include "mpi/process_watch.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace covey {
namespace {

// Sets an environment variable for a test's duration.
class Variable {
 public:
  Variable(std::string name, const char* value) : name_(std::move(name)) {
    if (const char* old = std::getenv(name_.c_str())) old_ = old;
    value != nullptr ? setenv(name_.c_str(), value, 1) : unsetenv(name_.c_str());
  }
  ~Variable() { old_ ? setenv(name_.c_str(), old_->c_str(), 1) : unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> old_;
};

TEST(Launch, RankAndSizeComeFromTheLauncher) {
  const Variable rank("OMPI_COMM_WORLD_RANK", "3");
  const Variable size("OMPI_COMM_WORLD_SIZE", "8");
  EXPECT_EQ(launched_rank(), 3);
  EXPECT_EQ(launched_size(), 8);
}

TEST(Launch, WithoutALauncherThereIsNoRank) {
  const Variable rank("OMPI_COMM_WORLD_RANK", nullptr);
  const Variable pmix("PMIX_RANK", nullptr);
  EXPECT_EQ(launched_rank(), std::nullopt);
  EXPECT_EQ(open_transport()->size(), 1);
}

TEST(Launch, NonsenseIsNoRank) {
  const Variable pmix("PMIX_RANK", nullptr);
  for (const char* text : {"", "x", "3x", "-1"}) {
    const Variable rank("OMPI_COMM_WORLD_RANK", text);
    EXPECT_EQ(launched_rank(), std::nullopt) << text;
  }
}

TEST(Launch, OneRankUnderALauncherIsAlone) {
  const Variable rank("OMPI_COMM_WORLD_RANK", "0");
  const Variable size("OMPI_COMM_WORLD_SIZE", "1");
  EXPECT_EQ(open_transport()->size(), 1);
}

TEST(Cores, AreDividedWithoutOverlapOrRest) {
  const std::vector<int> cores{0, 2, 4, 6, 8, 10, 12};
  for (int ranks = 1; ranks <= 7; ++ranks) {
    std::set<int> seen;
    for (int rank = 0; rank < ranks; ++rank) {
      const CoreShare share = cores_for_rank(rank, ranks, cores);
      EXPECT_EQ(share.threads, static_cast<int>(share.cores.size()));
      EXPECT_GE(share.threads, 7 / ranks);
      seen.insert(share.cores.begin(), share.cores.end());
    }
    EXPECT_EQ(seen, std::set<int>(cores.begin(), cores.end())) << ranks;
  }
}

TEST(Cores, MoreRanksThanCoresRunOneThreadEachUnbound) {
  const std::vector<int> cores{0, 1};
  for (int rank = 0; rank < 3; ++rank) {
    const CoreShare share = cores_for_rank(rank, 3, cores);
    EXPECT_EQ(share.threads, 1);
    EXPECT_TRUE(share.cores.empty());
  }
}

TEST(Cores, BindingHoldsUntilItIsWidened) {
  const std::vector<int> all = allowed_cores();
  ASSERT_FALSE(all.empty());
  bind_to_cores({});
  EXPECT_EQ(allowed_cores(), all);
  bind_to_cores(std::vector{all.front()});
  EXPECT_EQ(allowed_cores(), std::vector{all.front()});
  bind_to_cores(all);
  EXPECT_EQ(allowed_cores(), all);
}

TEST(Cores, TheLaunchersBindingIsUndoneUnlessTheUserChoseIt) {
  const std::vector<int> all = allowed_cores();
  const Variable bound("OMPI_MCA_orte_bound_at_launch", "1");
  bind_to_cores(std::vector{all.front()});
  {
    const Variable chosen("OMPI_MCA_hwloc_base_binding_policy", "core");
    undo_launcher_binding();
    EXPECT_EQ(allowed_cores().size(), 1U);
  }
  const Variable unchosen("OMPI_MCA_hwloc_base_binding_policy", nullptr);
  undo_launcher_binding();
  EXPECT_EQ(allowed_cores(), all);
}

TEST(ProcessWatch, SeesTheEndOfAProcess) {
  EXPECT_FALSE(ProcessWatch().ended());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    pause();
    _exit(0);
  }
  ProcessWatch watch(child);
  const ProcessWatch moved = std::move(watch);
  EXPECT_FALSE(moved.ended());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(moved.ended());
}

}  // namespace
}  // namespace covey
