#include "cli/svg_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/plot_axis.hpp"

namespace covey {

namespace {

constexpr double kWidth = 420, kHeight = 270;
constexpr double kLeft = 56, kRight = 14, kTop = 12, kBottom = 44;
constexpr std::size_t kColours = 8;

// Beyond the colours a series is told from the one of its colour by dashes and by an empty mark.
std::string series_class(std::size_t index) {
  return fmt::format("c{}{}", index % kColours, index / kColours % 2 == 1 ? " again" : "");
}

class PlotDrawing {
 public:
  PlotDrawing(const Plot& plot, PlotAxis x, PlotAxis y) : plot_(plot), x_(std::move(x)), y_(std::move(y)) {}

  std::string draw() const {
    std::string out = fmt::format("<figure><figcaption>{}", escaped(plot_.title));
    if (!plot_.remark.empty()) out += fmt::format("<small>{}</small>", escaped(plot_.remark));
    out += fmt::format("</figcaption>\n<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", kWidth,
                       kHeight, escaped(plot_.title));
    out += frame();
    for (std::size_t i = 0; i < plot_.series.size(); ++i) out += series(plot_.series[i], series_class(i));
    out += "</svg>\n<ul class=\"key\">";
    for (std::size_t i = 0; i < plot_.series.size(); ++i) {
      out += fmt::format("<li><i class=\"{}\"></i>{}</li>", series_class(i), escaped(plot_.series[i].name));
    }
    return out + "</ul></figure>\n";
  }

 private:
  double left(double value) const { return kLeft + x_.place(value) * (kWidth - kLeft - kRight); }
  double top(double value) const { return kHeight - kBottom - y_.place(value) * (kHeight - kTop - kBottom); }

  static std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                       style);
  }
  static std::string text(double x, double y, const char* anchor, const std::string& words) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(words));
  }

  std::string frame() const {
    const double right = kWidth - kRight;
    const double bottom = kHeight - kBottom;
    std::string out;
    for (const double tick : x_.ticks()) {
      out += line(left(tick), kTop, left(tick), bottom, "grid");
      out += text(left(tick), bottom + 16, "middle", tick_text(tick));
    }
    for (const double tick : y_.ticks()) {
      out += line(kLeft, top(tick), right, top(tick), "grid");
      out += text(kLeft - 6, top(tick) + 4, "end", tick_text(tick));
    }
    if (plot_.diagonal) {
      const double low = std::max(x_.low(), y_.low());
      const double high = std::min(x_.high(), y_.high());
      out += line(left(low), top(low), left(high), top(high), "even");
    }
    out += text((kLeft + right) / 2, kHeight - 6, "middle", plot_.x_title);
    return out + fmt::format("<text transform=\"translate(13 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                             (kTop + bottom) / 2, escaped(plot_.y_title));
  }

  std::string series(const PlotSeries& series, const std::string& style) const {
    std::string out = fmt::format("<g class=\"{}\">", style);
    if (plot_.joined && series.points.size() > 1) {
      out += "<polyline points=\"";
      for (const PlotPoint& point : series.points) out += fmt::format("{:.1f},{:.1f} ", left(point.x), top(point.y));
      out += "\"/>\n";
    }
    for (const PlotPoint& point : series.points) {
      if (point.low < point.high) {
        out += line(left(point.x), top(point.low), left(point.x), top(point.high), "interval");
      }
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\"><title>{}</title></circle>\n", left(point.x),
                         top(point.y), escaped(point.note));
    }
    return out + "</g>\n";
  }

  const Plot& plot_;
  PlotAxis x_, y_;
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
  return PlotDrawing(plot, PlotAxis(plot.x_log, x_low, x_high), PlotAxis(plot.y_log, y_low, y_high)).draw();
}

std::string tick_text(double value) {
  if (value == 0) return "0";
  constexpr struct {
    double size;
    const char* letter;
  } kSizes[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
  for (const auto& [size, letter] : kSizes) {
    if (std::abs(value) >= size * 0.9999) return fmt::format("{:.3g}{}", value / size, letter);
  }
  return fmt::format("{:.3g}", value);
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
