// Notices the end of another process of this host, at once and without help from the launcher.
#pragma once

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

 private:
  int file_ = -1;
};

}  // namespace covey
