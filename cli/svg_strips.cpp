#include "cli/svg_strips.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "cli/svg_plot.hpp"
#include "cli/units.hpp"
#include "mpi/ledger.hpp"

namespace covey {

namespace {

constexpr double kStrip = 1000;  // width and height of a strip, which is stretched to its place
constexpr double kStripHeight = 100;
constexpr std::size_t kMoments = 400;

std::string figure_open(const std::string& title, const std::string& remark) {
  std::string out = fmt::format("<figure class=\"strips\"><figcaption>{}", escaped(title));
  if (!remark.empty()) out += fmt::format("<small>{}</small>", escaped(remark));
  return out + "</figcaption>\n";
}

std::string row_open(const std::string& name, const std::string& value) {
  return fmt::format(
      "<div class=\"row\"><span>{}</span><b>{}</b><svg viewBox=\"0 0 {:.0f} {:.0f}\" preserveAspectRatio=\"none\" "
      "role=\"img\" aria-label=\"{}: {}\">",
      escaped(name), escaped(value), kStrip, kStripHeight, escaped(name), escaped(value));
}

std::string key_of(const std::vector<std::pair<std::string, std::string>>& names) {
  std::string out = "<ul class=\"key\">";
  for (const auto& [name, style] : names) out += fmt::format("<li><i class=\"{}\"></i>{}</li>", style, escaped(name));
  return out + "</ul>";
}

// -- Time lines -------------------------------------------------------------------------------------------------------

enum Doing : std::size_t { kComputes, kSends, kWaits, kDoings };
using Moments = std::array<std::vector<double>, kDoings>;  // (kMoments) each: which part of the moment

struct RankLine {
  std::int64_t rank = 0;
  Json spans;
  double end = 0;
  double first_token = 0;
};

std::vector<RankLine> rank_lines(const Json& ranks) {
  std::vector<RankLine> lines;
  if (!ranks.is_array()) return lines;
  for (const Json& rank : ranks) {
    const auto spans = rank.find("timeline");
    if (spans == rank.end() || !spans->is_array() || spans->empty()) continue;
    RankLine line{rank.value("rank", std::int64_t{0}), *spans, 0, 0};
    line.end = spans->back().at(1).get<double>();
    for (const Json& stream : rank.value("streams", Json::array())) {
      if (line.first_token == 0) line.first_token = stream.value("first_token", 0.0);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// What all ranks have: those with many spans have recorded only the first.
double shown_seconds(const std::vector<RankLine>& lines) {
  double longest = 0;
  double recorded = std::numeric_limits<double>::infinity();
  for (const RankLine& line : lines) {
    longest = std::max(longest, line.end);
    if (line.spans.size() >= Ledger::kMostSpans) recorded = std::min(recorded, line.end);
  }
  return std::min(longest, recorded);
}

void add_span(std::vector<double>& moments, double start, double end, double seconds, double sign) {
  const double width = seconds / static_cast<double>(kMoments);
  const double last = std::min(end, seconds);
  for (auto i = static_cast<std::size_t>(start / width); i < kMoments && static_cast<double>(i) * width < last; ++i) {
    const double from = std::max(start, static_cast<double>(i) * width);
    const double to = std::min(last, static_cast<double>(i + 1) * width);
    if (to > from) moments[i] += sign * (to - from) / width;
  }
}

Moments moments_of(const RankLine& line, double seconds) {
  Moments moments;
  for (auto& values : moments) values.assign(kMoments, 0.0);
  std::vector<std::pair<double, double>> within;  // exchanged since the last forward pass
  for (const Json& span : line.spans) {
    const double start = span.at(0).get<double>();
    const double end = span.at(1).get<double>();
    const auto& what = span.at(2).get_ref<const std::string&>();
    if (start >= seconds) continue;
    if (what != "compute") {
      add_span(moments[what == "send" ? kSends : kWaits], start, end, seconds, 1);
      within.emplace_back(start, end);
      continue;
    }
    add_span(moments[kComputes], start, end, seconds, 1);
    for (const auto& [from, to] : within) {
      if (from >= start) add_span(moments[kComputes], from, to, seconds, -1);
    }
    within.clear();
  }
  return moments;
}

// Areas on top of each other: the last one drawn is the one at the bottom.
std::string areas(const Moments& moments) {
  static constexpr std::array<const char*, kDoings> kStyles = {"computes", "sends", "waits"};
  std::string out;
  for (std::size_t top = kDoings; top-- > 0;) {
    out += fmt::format("<path class=\"{}\" d=\"M0 {:.0f}", kStyles[top], kStripHeight);
    double before = -1;
    for (std::size_t i = 0; i < kMoments; ++i) {
      double sum = 0;
      for (std::size_t doing = 0; doing <= top; ++doing) sum += std::max(0.0, moments[doing][i]);
      const double y = kStripHeight * (1 - std::min(1.0, sum));
      if (y == before) continue;
      const double x = kStrip * static_cast<double>(i) / kMoments;
      out += before < 0 ? fmt::format("V{:.1f}", y) : fmt::format("H{:.1f}V{:.1f}", x, y);
      before = y;
    }
    out += fmt::format("H{:.0f}V{:.0f}Z\"/>", kStrip, kStripHeight);
  }
  return out;
}

double share_of(const std::vector<double>& moments) {
  double sum = 0;
  for (const double part : moments) sum += std::clamp(part, 0.0, 1.0);
  return 100 * sum / kMoments;
}

std::string rank_row(const RankLine& line, double seconds) {
  const Moments moments = moments_of(line, seconds);
  std::string out =
      row_open(fmt::format("rank {}", line.rank),
               fmt::format("computes {:.0f} %, sends {:.0f} %, waits {:.0f} %", share_of(moments[kComputes]),
                           share_of(moments[kSends]), share_of(moments[kWaits])));
  out += areas(moments);
  if (line.first_token > 0 && line.first_token < seconds) {
    const double x = kStrip * line.first_token / seconds;
    out += fmt::format(
        "<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1:.0f}\"><title>first token"
        "</title></line>",
        x, kStripHeight);
  }
  return out + "</svg></div>\n";
}

}  // namespace

std::string bar_figure(const std::string& title, const std::string& remark, const std::vector<BarRow>& rows,
                       std::string (*unit_text)(double)) {
  if (rows.empty()) return {};
  std::vector<std::pair<std::string, std::string>> names;
  double longest = 0;
  for (const BarRow& row : rows) {
    double sum = 0;
    for (const BarPiece& piece : row.pieces) {
      sum += piece.length;
      const std::pair entry(piece.name, piece.style);
      if (std::ranges::find(names, entry) == names.end()) names.push_back(entry);
    }
    longest = std::max(longest, sum);
  }
  std::string out = figure_open(title, remark);
  for (const BarRow& row : rows) {
    out += row_open(row.name, row.value);
    double done = 0;
    for (const BarPiece& piece : row.pieces) {
      const double scale = longest > 0 ? kStrip / longest : 0;
      out += fmt::format(
          "<rect class=\"{}\" x=\"{:.1f}\" y=\"0\" width=\"{:.2f}\" height=\"{:.0f}\"><title>{}: {}</title></rect>",
          piece.style, done * scale, piece.length * scale, kStripHeight, escaped(piece.name),
          escaped(unit_text(piece.length)));
      done += piece.length;
    }
    out += "</svg></div>\n";
  }
  return out + (names.size() > 1 ? key_of(names) : "") + "</figure>\n";
}

std::string timeline_figure(const std::string& title, const Json& ranks) {
  const std::vector<RankLine> lines = rank_lines(ranks);
  const double seconds = shown_seconds(lines);
  if (lines.empty() || !(seconds > 0)) return {};
  bool marked = false;
  for (const RankLine& line : lines) marked = marked || (line.first_token > 0 && line.first_token < seconds);
  std::string out = figure_open(title, "");
  for (const RankLine& line : lines) out += rank_row(line, seconds);
  out += "<div class=\"ticks\">";
  for (int quarter = 0; quarter <= 4; ++quarter) {
    out += fmt::format("<span>{}</span>", quarter == 0 ? "0" : format_seconds(seconds * quarter / 4));
  }
  out += "</div>\n";
  std::vector<std::pair<std::string, std::string>> names = {
      {"computes", "computes"}, {"sends", "sends"}, {"waits", "waits"}};
  if (marked) names.emplace_back("first token", "mark");
  return out + key_of(names) + "</figure>\n";
}

}  // namespace covey
