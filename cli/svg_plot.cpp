#include "cli/svg_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace covey {

namespace {

constexpr double kWidth = 420, kHeight = 260;
constexpr double kLeft = 58, kRight = 12, kTop = 12, kBottom = 40;
constexpr double kLegendLine = 16, kBarHeight = 16;
constexpr std::size_t kColours = 8;

// Places of round numbers on an axis, and where values lie between its ends.
class Axis {
 public:
  Axis(bool log, double low, double high) : log_(log) {
    if (log_) {
      low_ = std::floor(std::log10(low));
      high_ = std::ceil(std::log10(high));
      if (high_ <= low_) high_ = low_ + 1;
      step_ = std::max(1.0, std::ceil((high_ - low_) / 6));
      return;
    }
    low_ = std::min(0.0, low);
    high_ = high > low_ ? high : low_ + 1;
    const double rough = (high_ - low_) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
      step_ = factor * power;
      if (step_ >= rough) break;
    }
    high_ = std::ceil(high_ / step_) * step_;
  }

  double place(double value) const { return ((log_ ? std::log10(value) : value) - low_) / (high_ - low_); }

  std::vector<double> ticks() const {
    std::vector<double> ticks;
    for (double at = low_; at <= high_ + step_ / 1000; at += step_) ticks.push_back(log_ ? std::pow(10, at) : at);
    return ticks;
  }

 private:
  bool log_;
  double low_ = 0, high_ = 1, step_ = 1;
};

std::string tick_text(double value) {
  if (value == 0) return "0";
  constexpr struct {
    double size;
    const char* letter;
  } kSizes[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}};
  for (const auto& [size, letter] : kSizes) {
    if (std::abs(value) >= size * 0.9999) return fmt::format("{:.4g}{}", value / size, letter);
  }
  return fmt::format("{:.1e}", value);
}

std::string svg_open(double height, const std::string& title) {
  return fmt::format(
      "<figure><figcaption>{0}</figcaption><svg viewBox=\"0 0 {1:.0f} {2:.0f}\" role=\"img\" aria-label=\"{0}\">\n",
      escaped(title), kWidth, height);
}

std::string svg_text(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text));
}

std::string svg_line(double x1, double y1, double x2, double y2, const std::string& style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                     style);
}

std::string svg_legend(const std::vector<std::string>& names, double top) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double y = top + kLegendLine * static_cast<double>(i);
    out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" height=\"10\" class=\"f{}\"/>\n", kLeft, y - 9,
                       i % kColours);
    out += svg_text(kLeft + 16, y, "start", names[i]);
  }
  return out;
}

class PlotDrawing {
 public:
  PlotDrawing(const Plot& plot, Axis x, Axis y) : plot_(plot), x_(x), y_(y) {}

  std::string draw() const {
    std::vector<std::string> names;
    for (const PlotSeries& series : plot_.series) names.push_back(series.name);
    const double height = kHeight + kLegendLine * static_cast<double>(names.size()) + 8;
    std::string out = svg_open(height, plot_.title) + frame();
    for (std::size_t i = 0; i < plot_.series.size(); ++i) out += series(plot_.series[i], i % kColours);
    return out + svg_legend(names, kHeight + 14) + "</svg></figure>\n";
  }

 private:
  double left(double value) const { return kLeft + x_.place(value) * (kWidth - kLeft - kRight); }
  double top(double value) const { return kHeight - kBottom - y_.place(value) * (kHeight - kTop - kBottom); }

  std::string frame() const {
    std::string out;
    for (const double tick : x_.ticks()) {
      out += svg_line(left(tick), kTop, left(tick), kHeight - kBottom, "grid");
      out += svg_text(left(tick), kHeight - kBottom + 14, "middle", tick_text(tick));
    }
    for (const double tick : y_.ticks()) {
      out += svg_line(kLeft, top(tick), kWidth - kRight, top(tick), "grid");
      out += svg_text(kLeft - 5, top(tick) + 4, "end", tick_text(tick));
    }
    out += svg_text((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", plot_.x_title);
    const double middle = (kTop + kHeight - kBottom) / 2;
    return out + fmt::format("<text transform=\"translate(13 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                             middle, escaped(plot_.y_title));
  }

  std::string series(const PlotSeries& series, std::size_t colour) const {
    std::string out;
    if (plot_.joined && series.points.size() > 1) {
      out += fmt::format("<polyline class=\"s{}\" points=\"", colour);
      for (const PlotPoint& point : series.points) out += fmt::format("{:.1f},{:.1f} ", left(point.x), top(point.y));
      out += "\"/>\n";
    }
    for (const PlotPoint& point : series.points) {
      if (point.low < point.high) {
        out += svg_line(left(point.x), top(point.low), left(point.x), top(point.high), fmt::format("s{}", colour));
      }
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" class=\"f{}\"><title>{}</title></circle>\n",
                         left(point.x), top(point.y), colour, escaped(point.note));
    }
    return out;
  }

  const Plot& plot_;
  Axis x_, y_;
};

}  // namespace

std::string svg_plot(const Plot& plot) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  double x_low = kInfinite, x_high = -kInfinite, y_low = kInfinite, y_high = -kInfinite;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      const bool bar = point.low < point.high;
      x_low = std::min(x_low, point.x);
      x_high = std::max(x_high, point.x);
      y_low = std::min(y_low, bar ? point.low : point.y);
      y_high = std::max(y_high, bar ? point.high : point.y);
    }
  }
  if (x_low > x_high) return {};
  return PlotDrawing(plot, Axis(plot.x_log, x_low, x_high), Axis(plot.y_log, y_low, y_high)).draw();
}

std::string svg_bars(const std::string& title, const std::string& unit, const std::vector<PlotRow>& rows) {
  if (rows.empty()) return {};
  std::vector<std::string> names;
  double longest = 0;
  for (const PlotRow& row : rows) {
    double sum = 0;
    for (const PlotPiece& piece : row.pieces) {
      sum += piece.length;
      if (std::ranges::find(names, piece.name) == names.end()) names.push_back(piece.name);
    }
    longest = std::max(longest, sum);
  }
  const Axis axis(false, 0, longest);
  const double bottom = kTop + static_cast<double>(rows.size()) * (2 * kBarHeight + 4);
  const double legend = names.size() > 1 ? kLegendLine * static_cast<double>(names.size()) : 0;
  const auto left = [&](double value) { return kRight + axis.place(value) * (kWidth - 3 * kRight); };
  std::string out = svg_open(bottom + 24 + legend, title);
  for (const double tick : axis.ticks()) {
    out += svg_line(left(tick), kTop, left(tick), bottom, "grid");
    out += svg_text(left(tick), bottom + 14, "middle", tick_text(tick) + unit);
  }
  double y = kTop;
  for (const PlotRow& row : rows) {
    out += svg_text(kRight, y + 11, "start", row.name);
    double done = 0;
    for (const PlotPiece& piece : row.pieces) {
      const auto colour = static_cast<std::size_t>(std::ranges::find(names, piece.name) - names.begin()) % kColours;
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{}\" class=\"f{}\"><title>{}: "
          "{}{}</title></rect>\n",
          left(done), y + 15, left(done + piece.length) - left(done), kBarHeight, colour, escaped(piece.name),
          tick_text(piece.length), escaped(unit));
      done += piece.length;
    }
    y += 2 * kBarHeight + 4;
  }
  if (names.size() > 1) out += svg_legend(names, bottom + 34);
  return out + "</svg></figure>\n";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

}  // namespace covey
