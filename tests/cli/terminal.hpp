// A program at a terminal, as somebody sees and types it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace covey {

class TerminalProcess {
 public:
  /// Throws std::runtime_error if the system has no terminal to give.
  explicit TerminalProcess(const std::vector<std::string>& command);
  ~TerminalProcess();
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;

  /// Waits until `text` has come up since the last call; false if it does not within a minute, or the program ends.
  bool wait_for(std::string_view text);
  void type(std::string_view keys);
  /// Waits for its end. The exit code; -1 if it does not end within a minute.
  int wait();
  /// Everything that has come up.
  const std::string& screen() const { return screen_; }

 private:
  bool read_some();

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string screen_;
  std::size_t seen_ = 0;
};

}  // namespace covey
