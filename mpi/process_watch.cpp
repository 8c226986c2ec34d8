#include "mpi/process_watch.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace covey {

namespace {

constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::chrono::milliseconds kLastWords{200};  // from a process's end to giving up on messages it sent before

}  // namespace

#ifdef SYS_pidfd_open
ProcessWatch::ProcessWatch(int process) : file_(static_cast<int>(syscall(SYS_pidfd_open, process, 0))) {}
#else
ProcessWatch::ProcessWatch(int) {}
#endif

ProcessWatch::~ProcessWatch() {
  if (file_ >= 0) close(file_);
}

ProcessWatch::ProcessWatch(ProcessWatch&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

ProcessWatch& ProcessWatch::operator=(ProcessWatch&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

bool ProcessWatch::ended() const {
  if (file_ < 0) return false;
  pollfd query{file_, POLLIN, 0};
  return poll(&query, 1, 0) == 1;
}

bool ProcessWatch::long_ended() {
  const Instant now = std::chrono::steady_clock::now();
  if (now < next_look_) return false;
  next_look_ = now + kLookEvery;
  if (!seen_ended_ && ended()) seen_ended_ = now;
  return seen_ended_ && now > *seen_ended_ + kLastWords;
}

}  // namespace covey
