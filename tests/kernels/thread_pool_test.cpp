#include "kernels/cpu/thread_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "covey/error.hpp"
#include "kernels/cpu/cores.hpp"

namespace covey {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, VisitsEveryIterationOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.size(), GetParam());
  for (const std::int64_t count : {0, 1, 2, 7, 64, 1000}) {
    for (const Chunks chunks : {Chunks{1, 1}, Chunks{3, 3}, Chunks{1, 64}, Chunks{}, Chunks{5000}, Chunks{5000, 4}}) {
      std::vector<int> visits(static_cast<std::size_t>(count), 0);
      pool.parallel_for(count, chunks, [&](std::int64_t begin, std::int64_t end, int) noexcept {
        if (end - begin > chunks.most) return;
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      EXPECT_EQ(visits, std::vector<int>(static_cast<std::size_t>(count), 1))
          << count << " by " << chunks.least << ".." << chunks.most;
    }
  }
}

// Whatever is expected, and wherever it may lie: threads only ask for it.
TEST_P(ThreadPoolTest, WhatIsExpectedChangesNothing) {
  ThreadPool pool(GetParam());
  const std::vector<std::byte> memory(1 << 16);
  for (const LoopReads& reads :
       {LoopReads{memory.data(), 256, 4},
        LoopReads{reinterpret_cast<const std::byte*>(std::uintptr_t{1} << 40), 1 << 20, 1}, LoopReads{}}) {
    for (int round = 0; round < 50; ++round) {
      pool.expect(reads.first == nullptr ? 0 : 200, Chunks{2}, reads);
      std::vector<int> visits(200, 0);
      pool.parallel_for(200, Chunks{2}, [&](std::int64_t begin, std::int64_t end, int) noexcept {
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      ASSERT_EQ(visits, std::vector<int>(200, 1));
    }
  }
}

// Counters that are not atomic: a thread sanitizer sees it when two ranges share a thread's index at the same time.
TEST_P(ThreadPoolTest, GivesScratchToOneThreadAtATime) {
  ThreadPool pool(GetParam());
  std::vector<std::int64_t> sums(static_cast<std::size_t>(pool.size()), 0);
  std::int64_t expected = 0;
  for (int round = 0; round < 500; ++round) {
    const std::int64_t count = 1 + round % 40;
    expected += count * (count - 1) / 2;
    pool.parallel_for(count, {1, 1}, [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
      for (std::int64_t i = begin; i < end; ++i) sums[static_cast<std::size_t>(thread)] += i;
    });
  }
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  EXPECT_EQ(total, expected);
}

TEST_P(ThreadPoolTest, MakesTheResultsOfOneLoopVisibleToTheNext) {
  ThreadPool pool(GetParam());
  std::vector<std::int64_t> values(64, 0);
  for (int round = 0; round < 200; ++round) {
    pool.parallel_for(64, {1, 1}, [&](std::int64_t begin, std::int64_t end, int) noexcept {
      for (std::int64_t i = begin; i < end; ++i) values[static_cast<std::size_t>(i)] += 1;
    });
    // Another order of claims, so that values move between threads.
    pool.parallel_for(64, {5, 5}, [&](std::int64_t begin, std::int64_t end, int) noexcept {
      for (std::int64_t i = begin; i < end; ++i) values[static_cast<std::size_t>(63 - i)] += 1;
    });
  }
  EXPECT_EQ(values, std::vector<std::int64_t>(64, 400));
}

TEST_P(ThreadPoolTest, WakesWorkersThatFellAsleep) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    // No range ends before every thread of the pool has one: this returns only if all of them wake.
    std::atomic<int> arrived{0};
    pool.parallel_for(pool.size(), {1, 1}, [&](std::int64_t, std::int64_t, int) noexcept {
      arrived.fetch_add(1);
      while (arrived.load() < pool.size()) std::this_thread::yield();
    });
    EXPECT_EQ(arrived.load(), pool.size());
  }
}

TEST_P(ThreadPoolTest, EndsWhetherOrNotItWasUsed) {
  for (int round = 0; round < 20; ++round) {
    ThreadPool pool(GetParam());
    int total = 0;
    if (round % 2 == 0) pool.parallel_for(1, {1, 1}, [&](std::int64_t, std::int64_t, int) noexcept { ++total; });
    EXPECT_EQ(total, round % 2 == 0 ? 1 : 0);
  }
}

TEST(Chunks, AreWorthClaiming) {
  for (const std::int64_t cost : {0, 1, 1'000'000}) EXPECT_GE(ThreadPool::chunks(cost).least, 1);
  EXPECT_GE(ThreadPool::chunks(1).least, 100) << "a loop of 100 ns is not worth a second thread";
  EXPECT_EQ(ThreadPool::chunks(1'000'000).least, 1);
}

TEST_P(ThreadPoolTest, ChunksGetShorterTowardsTheEnd) {
  ThreadPool pool(GetParam());
  std::vector<std::int64_t> lengths(1000, 0);  // of the range that begins there
  pool.parallel_for(1000, {2, 100}, [&](std::int64_t begin, std::int64_t end, int) noexcept {
    lengths[static_cast<std::size_t>(begin)] = end - begin;
  });
  std::erase(lengths, 0);
  EXPECT_TRUE(std::ranges::is_sorted(lengths, std::greater<>()));
  EXPECT_LE(lengths.front(), 100);
  if (GetParam() > 1) {
    EXPECT_LE(lengths.back(), 2);
  }
}

// 7: more threads than there may be cores.
INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 7));

int lines_of(IdleFetch fetch) {
  int lines = 0;
  while (fetch.next()) ++lines;
  return lines;
}

TEST(IdleFetch, AsksForTheBeginningOfARange) {
  const std::vector<std::byte> memory(1 << 20);
  EXPECT_EQ(lines_of({}), 0);
  EXPECT_EQ(lines_of({LoopReads{}, 0, 100}), 0);
  EXPECT_EQ(lines_of({LoopReads{memory.data(), 1024, 4}, 2, 6}), 4 * 1024 / 64);
  EXPECT_EQ(lines_of({LoopReads{memory.data(), 96, 1}, 3, 4}), 1);
  EXPECT_EQ(lines_of({LoopReads{memory.data(), 1 << 10, 4}, 0, 1 << 10}), (128 << 10) / 64);
  EXPECT_EQ(lines_of({LoopReads{memory.data(), 1024, 4}, 5, 5}), 0);
}

TEST(ThreadPool, TakesAllCoresByDefault) { EXPECT_EQ(ThreadPool(0).size(), available_cores()); }

TEST(ThreadPool, OneThreadIsTheCallers) {
  ThreadPool pool(1);
  std::thread::id runner;
  int ranges = 0;
  pool.parallel_for(10, {}, [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
    runner = std::this_thread::get_id();
    ranges += begin == 0 && end == 10 && thread == 0 ? 1 : 100;
  });
  EXPECT_EQ(runner, std::this_thread::get_id());
  EXPECT_EQ(ranges, 1);
}

TEST(ThreadPool, RefusesImpossibleNumbers) {
  EXPECT_THROW(ThreadPool(-1), Error);
  EXPECT_THROW(ThreadPool(ThreadPool::kMaxThreads + 1), Error);
}

#ifndef NDEBUG
TEST(ThreadPoolDeathTest, LoopsDoNotNest) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  ThreadPool pool(1);
  EXPECT_DEATH(pool.parallel_for(2, {1, 1},
                                 [&](std::int64_t, std::int64_t, int) noexcept {
                                   pool.parallel_for(2, {1, 1}, [](std::int64_t, std::int64_t, int) noexcept {});
                                 }),
               "loops do not nest");
}
#endif

}  // namespace
}  // namespace covey
