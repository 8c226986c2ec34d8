#include "cli/plot_axis.hpp"

#include <algorithm>
#include <cmath>

namespace covey {

PlotAxis::PlotAxis(bool log, double low, double high) : log_(log), low_(low), high_(high) {
  log_ ? lay_out_log() : lay_out_linear();
}

double PlotAxis::place(double value) const {
  if (!log_) return (value - low_) / (high_ - low_);
  return (std::log10(value) - std::log10(low_)) / (std::log10(high_) - std::log10(low_));
}

// Ends a little beyond the values; ticks at 1, 2, 5, 10, … where there are few of them, else at powers of ten.
void PlotAxis::lay_out_log() {
  low_ /= 1.15;
  high_ *= 1.15;
  const bool many = high_ / low_ > 1000;
  for (double power = std::floor(std::log10(low_)); power <= std::ceil(std::log10(high_)); ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10, power);
      if (tick >= low_ && tick <= high_ && (!many || factor == 1.0)) ticks_.push_back(tick);
    }
  }
  // Powers of ten far apart still crowd an axis.
  while (ticks_.size() > 7) {
    std::vector<double> fewer;
    for (std::size_t i = 0; i < ticks_.size(); i += 2) fewer.push_back(ticks_[i]);
    ticks_ = fewer;
  }
}

void PlotAxis::lay_out_linear() {
  low_ = std::min(0.0, low_);
  if (high_ <= low_) high_ = low_ + 1;
  const double rough = (high_ - low_) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= rough) break;
  }
  high_ = std::ceil(high_ * 1.02 / step) * step;
  low_ = std::floor(low_ / step) * step;
  for (double at = low_; at <= high_ + step / 1000; at += step) ticks_.push_back(at);
}

}  // namespace covey
