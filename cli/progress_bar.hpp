// A bar on standard error while something long happens, on a terminal only.
#pragma once

#include <string>

namespace covey {

class ProgressBar {
 public:
  /// Nothing is ever shown unless `shown` and standard error is a terminal.
  ProgressBar(std::string label, bool shown);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `fraction` done, 0..1.
  void update(double fraction);
  /// Wipes the bar away.
  void clear();

 private:
  std::string label_;
  bool shown_;
  int percent_ = -1;  // last drawn
};

}  // namespace covey
