#include "kernels/cpu/thread_pool.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <string>
#include <system_error>

#include "covey/error.hpp"
#include "kernels/cpu/cores.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kOpen = 1U << 31;

// Longer than the pauses between the operations of a forward pass, shorter than would be felt by another process.
constexpr std::chrono::microseconds kSpin{50};
constexpr int kPausesPerClockRead = 16;

constexpr std::int64_t kLeastChunkNanoseconds = 2000;
// What is left of a loop is cut in so many chunks for each thread; the next of them is claimed.
constexpr std::int64_t kChunksPerThread = 2;

// For the assertion that loops do not nest.
thread_local bool inside_loop = false;

void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

int chosen_threads(int threads) {
  if (threads < 0 || threads > ThreadPool::kMaxThreads) {
    throw Error("cannot compute with " + std::to_string(threads) + " threads: give a number from 1 to " +
                std::to_string(ThreadPool::kMaxThreads) + ", or 0 for one per core");
  }
  return threads == 0 ? std::min(available_cores(), ThreadPool::kMaxThreads) : threads;
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : threads_(chosen_threads(threads)),
      // With fewer cores than threads, a thread that spins keeps from its core the one that it waits for.
      spins_(threads_ <= available_cores()) {
  try {
    workers_.reserve(static_cast<std::size_t>(threads_ - 1));
    for (int thread = 1; thread < threads_; ++thread) workers_.emplace_back([this, thread] { work(thread); });
  } catch (const std::system_error& failure) {
    stop();
    throw Error("cannot start " + std::to_string(threads_) + " threads (" + failure.what() + "): use fewer");
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() noexcept {
  stopping_.store(true);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

Chunks ThreadPool::chunks(std::int64_t cost) {
  return {.least = std::max<std::int64_t>(kLeastChunkNanoseconds / std::max<std::int64_t>(cost, 1), 1)};
}

void ThreadPool::run(const Loop& loop) noexcept {
  assert(!inside_loop && "loops do not nest");
  assert(loop.chunks.least > 0 && loop.chunks.most > 0);
  if (loop.count <= 0) return;
  if (threads_ == 1 || loop.count <= loop.chunks.least) {
    inside_loop = true;
    std::int64_t end = 0;
    for (std::int64_t begin = 0; begin < loop.count; begin = end) {
      end = begin + std::min(loop.chunks.most, loop.count - begin);
      loop.call(loop.object, begin, end, 0);
    }
    inside_loop = false;
    return;
  }
  loop_ = loop;
  next_.store(0, std::memory_order_relaxed);
  gate_.store(kOpen, std::memory_order_release);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  share(0);
  gate_.fetch_and(~kOpen, std::memory_order_relaxed);
  std::uint32_t inside = 0;
  const auto all_left = [&]() noexcept { return (inside = gate_.load(std::memory_order_acquire)) == 0; };
  if (spin_until(0, all_left)) return;
  while (!all_left()) gate_.wait(inside, std::memory_order_acquire);
}

std::int64_t ThreadPool::claim(std::int64_t left, const Chunks& chunks) const noexcept {
  const std::int64_t wanted = left / (kChunksPerThread * threads_);
  return std::min(std::min(std::max(wanted, chunks.least), chunks.most), left);
}

// Claims chunks until there are none.
void ThreadPool::share(int thread) noexcept {
  const Loop loop = loop_;
  inside_loop = true;
  std::int64_t begin = next_.load(std::memory_order_relaxed);
  while (begin < loop.count) {
    const std::int64_t end = begin + claim(loop.count - begin, loop.chunks);
    if (!next_.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
    loop.call(loop.object, begin, end, thread);
    begin = next_.load(std::memory_order_relaxed);
  }
  inside_loop = false;
}

void ThreadPool::work(int thread) noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    std::uint32_t now = seen;
    const auto changed = [&]() noexcept { return (now = epoch_.load(std::memory_order_acquire)) != seen; };
    if (!spin_until(thread, changed)) {
      while (!changed()) epoch_.wait(seen, std::memory_order_acquire);
    }
    seen = now;
    if (stopping_.load()) return;
    if (!enter()) continue;
    share(thread);
    leave();
  }
}

bool ThreadPool::enter() noexcept {
  std::uint32_t gate = gate_.load(std::memory_order_relaxed);
  while ((gate & kOpen) != 0) {
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
  }
  return false;
}

void ThreadPool::leave() noexcept {
  if (gate_.fetch_sub(1, std::memory_order_release) == 1) gate_.notify_one();
}

// Threads come in any order, but mostly in this one: the caller first.
IdleFetch ThreadPool::fetch_of(int thread) const noexcept {
  const LoopReads reads = expected_.reads();
  if (reads.first == nullptr) return {};
  const std::int64_t count = expected_count_.load(std::memory_order_relaxed);
  const Chunks chunks{.least = expected_least_.load(std::memory_order_relaxed)};
  std::int64_t begin = 0;
  for (int before = 0; before < thread; ++before) begin += claim(count - begin, chunks);
  return {reads, begin, begin + claim(count - begin, chunks)};
}

template <class Ready>
bool ThreadPool::spin_until(int thread, const Ready& ready) const noexcept {
  if (!spins_ || ready()) return ready();
  IdleFetch fetch = fetch_of(thread);
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      if (ready()) return true;
      if (!fetch.next()) pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

}  // namespace covey
