// Threads that stay, and loops shared among them.
//
// A loop is cut in chunks, which threads claim as they need them, so that a thread delayed by the system holds up only
// the chunk it has. Chunks are long at first, for what goes faster in long runs, and get shorter towards the end, when
// threads wait for each other. The caller takes part, and at the end waits only for threads that took part: a worker
// that the system has not woken yet is not missed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

#include "kernels/cpu/idle_fetch.hpp"

namespace covey {

/// Bounds of the iterations that a thread claims at a time.
struct Chunks {
  std::int64_t least = 1;  ///< but the last may be shorter
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

class ThreadPool {
 public:
  static constexpr int kMaxThreads = 1024;

  /// `threads` counts the caller too: 1 starts none. 0 means available_cores(). Throws Error if `threads` is out of
  /// range or they cannot be started.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Threads that a loop may run on, the caller's among them.
  int size() const { return threads_; }

  /// Calls body(begin, end, thread) for ranges that together are [0, count) exactly once, each at most `chunks.most`
  /// long. `thread` is in [0, size()), and different
  /// for ranges that run at the same time: an index for scratch memory. Returns when all is done and visible. One
  /// thread at a time may call it, and never from inside a loop. Allocates nothing.
  template <class Body>
  void parallel_for(std::int64_t count, const Chunks& chunks, const Body& body) noexcept {
    static_assert(std::is_nothrow_invocable_v<const Body&, std::int64_t, std::int64_t, int>,
                  "a loop body is noexcept: nobody could catch what it throws on another thread");
    run({count, chunks, &body, [](const void* object, std::int64_t begin, std::int64_t end, int thread) noexcept {
           (*static_cast<const Body*>(object))(begin, end, thread);
         }});
  }

  /// Which loop comes after the next one: threads that wait for it begin to fetch what they will read. Stays until it
  /// is called again.
  void expect(std::int64_t count, const Chunks& chunks, const LoopReads& reads) noexcept {
    expected_count_.store(count, std::memory_order_relaxed);
    expected_least_.store(chunks.least, std::memory_order_relaxed);
    expected_.tell(reads);
  }

  /// For a loop whose iterations take about `cost` nanoseconds each: chunks that are not so small that claiming them
  /// costs more than it gains.
  static Chunks chunks(std::int64_t cost);

 private:
  struct Loop {
    std::int64_t count = 0;
    Chunks chunks;
    const void* object = nullptr;
    void (*call)(const void* object, std::int64_t begin, std::int64_t end, int thread) noexcept = nullptr;
  };

  void run(const Loop& loop) noexcept;
  void share(int thread) noexcept;
  void work(int thread) noexcept;
  bool enter() noexcept;
  void leave() noexcept;
  void stop() noexcept;
  template <class Ready>
  bool spin_until(int thread, const Ready& ready) const noexcept;
  std::int64_t claim(std::int64_t left, const Chunks& chunks) const noexcept;
  IdleFetch fetch_of(int thread) const noexcept;

  // Each on a cache line of its own, because what one thread writes often must not share a line with what others read.
  static constexpr std::size_t kLine = 64;
  // Changes whenever there is something to do; idle workers sleep on it.
  alignas(kLine) std::atomic<std::uint32_t> epoch_{0};
  // | open (bit 31) | workers inside (bits 0..30) |: a worker may enter only while open; the caller sleeps on it.
  alignas(kLine) std::atomic<std::uint32_t> gate_{0};
  // First iteration not claimed yet.
  alignas(kLine) std::atomic<std::int64_t> next_{0};

  alignas(kLine) Loop loop_;  // written while the gate is closed and nobody is inside
  alignas(kLine) std::atomic<std::int64_t> expected_count_{0};
  std::atomic<std::int64_t> expected_least_{1};
  ExpectedReads expected_;
  int threads_ = 1;
  bool spins_ = false;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

}  // namespace covey
