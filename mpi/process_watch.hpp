// Notices the end of another process of this host, at once and without help from the launcher.
#pragma once

#include <chrono>
#include <optional>

namespace covey {

class ProcessWatch {
 public:
  ProcessWatch() = default;
  /// Does nothing where the system has no such watch.
  explicit ProcessWatch(int process);
  ~ProcessWatch();
  ProcessWatch(ProcessWatch&& other) noexcept;
  ProcessWatch& operator=(ProcessWatch&& other) noexcept;
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  /// False also where nothing is watched.
  bool ended() const;
  /// Whether it has ended so long ago that messages it sent before have arrived. Looks no more often than is useful.
  bool long_ended();

 private:
  using Instant = std::chrono::steady_clock::time_point;

  Instant next_look_{};
  std::optional<Instant> seen_ended_;
  int file_ = -1;
};

}  // namespace covey
