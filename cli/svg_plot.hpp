// Plots as SVG that takes its colours from the page: axes, points, lines, a legend. Texts are large enough on a screen
// of 390 pixels, where a plot is as wide as the page.
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
  std::string title, x_title, y_title;
  bool x_log = false, y_log = false;  ///< all values on the axis must be above 0
  bool joined = true;                 ///< points by lines
  std::vector<PlotSeries> series;
};

/// Empty if there is no point.
std::string svg_plot(const Plot& plot);

/// A bar of coloured pieces for each row.
struct PlotPiece {
  std::string name;
  double length = 0;
};
struct PlotRow {
  std::string name;
  std::vector<PlotPiece> pieces;
};
/// `unit` follows the numbers on the axis. Pieces of equal names have one colour.
std::string svg_bars(const std::string& title, const std::string& unit, const std::vector<PlotRow>& rows);

/// Text for HTML and SVG.
std::string escaped(std::string_view text);

}  // namespace covey
