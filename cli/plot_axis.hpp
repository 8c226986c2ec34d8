// An axis of a plot: places of round numbers, and where values lie between its ends.
#pragma once

#include <vector>

namespace covey {

class PlotAxis {
 public:
  /// Holds `low` to `high`, and 0 unless it is logarithmic: then both must be above 0.
  PlotAxis(bool log, double low, double high);

  double low() const { return low_; }
  double high() const { return high_; }
  /// From 0 at the low end to 1.
  double place(double value) const;
  const std::vector<double>& ticks() const { return ticks_; }

 private:
  void lay_out_log();
  void lay_out_linear();

  bool log_;
  double low_, high_;
  std::vector<double> ticks_;
};

}  // namespace covey
