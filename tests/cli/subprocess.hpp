// Runs programs and sees what they print and how they end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

struct Finished {
  int code = -1;           ///< exit code; 128 + signal if one ended it
  std::string out;         ///< standard output
  std::string err;         ///< standard error
  bool timed_out = false;  ///< it had to be killed
};

struct RunOptions {
  std::string input;                               ///< standard input, then its end
  std::string out_path;                            ///< where standard output goes instead
  std::map<std::string, std::string> environment;  ///< added
  std::chrono::seconds limit{60};
};

/// A program that runs beside the test; killed, if it still runs, when the object goes.
class Subprocess {
 public:
  explicit Subprocess(const std::vector<std::string>& command, const RunOptions& options = {});
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const { return pid_; }
  /// Reads what it prints until standard output holds `text`; false if it ends, or `limit` passes, without it.
  bool wait_for_output(std::string_view text, std::chrono::seconds limit);
  /// Ends reading its standard output, as `head` does.
  void close_output();
  Finished wait(std::chrono::seconds limit);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  bool read_some(Instant deadline);  // false at the deadline, or once both streams have ended

  pid_t pid_ = -1;
  int streams_[2] = {-1, -1};
  Finished finished_;
};

Finished run(const std::vector<std::string>& command, const RunOptions& options = {});

/// Processor time that `process` has used so far; 0 if there is no such process.
double cpu_seconds(pid_t process);

/// Processes whose parent is `parent`, in order of their ids.
std::vector<pid_t> children_of(pid_t parent);

}  // namespace covey
