// Waiting without burning a core: spin a little, then naps that grow, with a burst of polls between them. Open MPI
// looks at sockets on every eighth call only, so a poll per nap would cost eight naps.
#pragma once

#include <chrono>

namespace covey {

class Backoff {
 public:
  /// `spin`: how long to poll without naps; zero where ranks share cores, since spinning then takes the time of the
  /// rank that is waited for.
  explicit Backoff(std::chrono::microseconds spin) : spin_until_(std::chrono::steady_clock::now() + spin) {}

  /// To be called after each poll that found nothing.
  void wait();

 private:
  std::chrono::steady_clock::time_point spin_until_;
  std::chrono::microseconds nap_{20};
  int polls_ = 0;
};

/// Lets naps of this thread end close to their time (the system's default is 50 us late).
void sharpen_naps();

}  // namespace covey
