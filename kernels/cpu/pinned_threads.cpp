#include "kernels/cpu/pinned_threads.hpp"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "covey/error.hpp"
#include "kernels/cpu/thread_pool.hpp"

namespace covey {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

int checked_threads(int threads) {
  if (threads < 1 || threads > ThreadPool::kMaxThreads) {
    throw Error("cannot measure with " + std::to_string(threads) + " threads: give a number from 1 to " +
                std::to_string(ThreadPool::kMaxThreads));
  }
  return threads;
}

/// Puts the calling thread on one of the processors that it may use. Best effort.
void pin(int index) noexcept {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) == 0) return;
  index %= CPU_COUNT(&allowed);
  for (std::size_t processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &allowed) || index-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    static_cast<void>(sched_setaffinity(0, sizeof(one), &one));
    return;
  }
}

}  // namespace

PinnedThreads::PinnedThreads(int threads)
    : gate_(checked_threads(threads) + 1), spans_(static_cast<std::size_t>(threads)) {
  try {
    workers_.reserve(static_cast<std::size_t>(threads));
    for (int thread = 0; thread < threads; ++thread) workers_.emplace_back([this, thread] { serve(thread); });
  } catch (const std::system_error& failure) {
    // Those that started wait for as many as were meant to: the missing leave, and the caller goes through.
    for (std::size_t missing = workers_.size(); missing < spans_.size(); ++missing) gate_.arrive_and_drop();
    gate_.arrive_and_wait();
    for (std::thread& worker : workers_) worker.join();
    throw Error("cannot start " + std::to_string(threads) + " threads (" + failure.what() + "): use fewer");
  }
}

PinnedThreads::~PinnedThreads() {
  work_ = nullptr;
  gate_.arrive_and_wait();
  for (std::thread& worker : workers_) worker.join();
}

double PinnedThreads::run(const std::function<void(int)>& work) {
  work_ = &work;
  gate_.arrive_and_wait();
  gate_.arrive_and_wait();
  const double begin = std::ranges::min(spans_, {}, &Span::begin).begin;
  const double end = std::ranges::max(spans_, {}, &Span::end).end;
  return end - begin;
}

void PinnedThreads::serve(int thread) {
  pin(thread);
  for (;;) {
    gate_.arrive_and_wait();
    if (work_ == nullptr) return;
    Span& span = spans_[static_cast<std::size_t>(thread)];
    const double begin = now();
    (*work_)(thread);
    span = {begin, now()};
    gate_.arrive_and_wait();
  }
}

}  // namespace covey
