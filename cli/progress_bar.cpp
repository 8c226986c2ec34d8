#include "cli/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/output.hpp"

namespace covey {

namespace {
constexpr int kCells = 30;
}

ProgressBar::ProgressBar(std::string label, bool shown)
    : label_(std::move(label)), shown_(shown && stderr_is_terminal()) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(double fraction) {
  if (!shown_) return;
  const int percent = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100);
  if (percent == percent_) return;
  percent_ = percent;
  const int full = percent * kCells / 100;
  print_error_stream(fmt::format("\r{} [{:#<{}}{:.<{}}] {:3}%", label_, "", full, "", kCells - full, percent));
}

void ProgressBar::clear() {
  if (percent_ < 0) return;
  print_error_stream("\r\x1b[K");
  percent_ = -1;
}

}  // namespace covey
