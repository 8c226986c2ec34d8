// Threads that do the same thing at the same time, each on a processor of its own: for measuring. A pool's threads go
// where the system puts them; on a busy machine that may be one processor for two of them, for as long as a measurement
// takes.
#pragma once

#include <barrier>
#include <functional>
#include <thread>
#include <vector>

namespace covey {

class PinnedThreads {
 public:
  /// As many of them as there are processors get their own; where the system refuses, it decides. Throws Error if they
  /// cannot be started.
  explicit PinnedThreads(int threads);
  ~PinnedThreads();
  PinnedThreads(const PinnedThreads&) = delete;
  PinnedThreads& operator=(const PinnedThreads&) = delete;

  int size() const { return static_cast<int>(workers_.size()); }

  /// Calls work(number of the thread) on all of them at once. Returns the seconds from the first start to the last end.
  double run(const std::function<void(int)>& work);

 private:
  struct Span {
    double begin = 0, end = 0;  // seconds
  };
  void serve(int thread);

  std::barrier<> gate_;  // before and after each run: the threads and the caller
  std::vector<std::thread> workers_;
  std::vector<Span> spans_;
  const std::function<void(int)>* work_ = nullptr;  // nullptr: the end
};

}  // namespace covey
