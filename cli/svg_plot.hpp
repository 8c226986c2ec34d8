// Plots as SVG that takes its colours from the page. Texts are large enough on a screen of 390 pixels, where a plot is
// as wide as the page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace covey {

struct PlotPoint {
  double x = 0, y = 0;
  std::string note;          ///< shown where the pointer rests
  double low = 0, high = 0;  ///< a bar from low to high, if they differ
};

struct PlotSeries {
  std::string name;
  std::vector<PlotPoint> points;  ///< in order of x where they are joined
};

struct Plot {
  std::string title, remark, x_title, y_title;
  bool x_log = false, y_log = false;  ///< all values on the axis must be above 0
  bool joined = true;                 ///< points by lines
  bool diagonal = false;              ///< a thin line y = x, for comparison
  std::vector<PlotSeries> series;
};

/// A figure with its key. Empty if there is no point.
std::string svg_plot(const Plot& plot);

/// "2.5k": three or four digits and a letter for the power of 1000.
std::string tick_text(double value);

/// Text for HTML and SVG.
std::string escaped(std::string_view text);

}  // namespace covey
