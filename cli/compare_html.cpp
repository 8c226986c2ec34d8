#include "cli/compare_html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "cli/compare_plots.hpp"
#include "cli/compare_style.hpp"
#include "cli/svg_plot.hpp"

namespace covey {

namespace {

const CompareResult* best_result(const std::vector<CompareResult>& results, std::size_t metric) {
  const CompareResult* best = nullptr;
  for (const CompareResult& result : results) {
    const auto& value = result.values[metric];
    if (!value) continue;
    const bool better = best == nullptr || (metrics()[metric].more_is_better ? *value > *best->values[metric]
                                                                             : *value < *best->values[metric]);
    if (better) best = &result;
  }
  return best;
}

double largest_value(const std::vector<CompareResult>& results, std::size_t metric) {
  double largest = 0;
  for (const CompareResult& result : results) largest = std::max(largest, result.values[metric].value_or(0));
  return largest;
}

std::string metric_cell(const CompareResult& result, std::size_t metric, double best, double largest) {
  const auto& value = result.values[metric];
  if (!value) return "<td data-value=\"\">\u2013</td>";
  std::string text = metrics()[metric].show(*value);
  if (metric == kAccuracy && result.accuracy_low) {
    text += fmt::format(" ({:.1f}\u2013{:.1f})", 100 * *result.accuracy_low, 100 * *result.accuracy_high);
  }
  const double part = largest > 0 ? 100 * *value / largest : 0;
  return fmt::format("<td data-value=\"{:.9g}\" style=\"--part:{:.1f}%\"{}>{}</td>", *value, part,
                     *value == best ? " class=\"best\"" : "", escaped(text));
}

std::string leaderboard(const std::vector<CompareResult>& results) {
  std::vector<std::size_t> shown;
  for (std::size_t metric = 0; metric < kMetricCount; ++metric) {
    if (best_result(results, metric) != nullptr) shown.push_back(metric);
  }
  std::string out = "<div class=\"table\"><table><thead><tr>";
  const auto heading = [&](std::string_view title, bool down) {
    out += fmt::format("<th{}><button>{}</button></th>", down ? " data-first=\"down\"" : "", escaped(title));
  };
  for (const char* title : {"mode", "model", "ranks", "link"}) heading(title, false);
  for (const std::size_t metric : shown) heading(metrics()[metric].title, metrics()[metric].more_is_better);
  out += "</tr></thead>\n<tbody>\n";
  for (const CompareResult& result : results) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td data-value=\"{}\">{}</td><td>{}</td>",
                       escaped(result.setting.mode), escaped(result.setting.model), result.setting.ranks,
                       result.setting.ranks, escaped(result.setting.link));
    for (const std::size_t metric : shown) {
      out += metric_cell(result, metric, *best_result(results, metric)->values[metric], largest_value(results, metric));
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

// The winners, for who reads no more than that.
std::string cards(const std::vector<CompareResult>& results) {
  constexpr std::array<std::pair<MetricIndex, const char*>, 5> kCards = {{{kAccuracy, "most right answers"},
                                                                          {kAnswerTime, "fastest answer"},
                                                                          {kTokenRate, "most tokens a second"},
                                                                          {kModelBytes, "least memory on a device"},
                                                                          {kEnergy, "least energy"}}};
  std::string out = "<div class=\"cards\">\n";
  for (const auto& [metric, title] : kCards) {
    const CompareResult* const best = best_result(results, metric);
    if (best == nullptr) continue;
    out += fmt::format("<div class=\"card\"><small>{}</small><b>{}</b><span>{}</span></div>\n", title,
                       escaped(metrics()[metric].show(*best->values[metric])), escaped(setting_name(best->setting)));
  }
  return out + "</div>\n";
}

std::string section(const std::string& title, const std::string& remark, const std::string& style,
                    const std::string& content) {
  if (content.empty()) return {};
  return fmt::format("<h2>{}</h2>\n<p class=\"small\">{}</p>\n<div class=\"{}\">\n{}</div>\n", title, remark, style,
                     content);
}

}  // namespace

std::string compare_html(const ComparePage& page) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  out +=
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n";
  out += fmt::format("<title>{0}</title>\n{1}</head>\n<body><main>\n<header><div><h1>{0}</h1>\n<ul class=\"facts\">",
                     escaped(page.title), kCompareStyle);
  for (const auto& [name, value] : page.machine) {
    out += fmt::format("<li>{} <b>{}</b></li>\n", escaped(name), escaped(value));
  }
  out += "</ul></div><button id=\"theme\" title=\"light or dark\">\u25D0</button></header>\n";
  out += cards(page.results);
  out += section("All settings",
                 "A click on a heading sorts by it, another one the other way round. The best of each column is green.",
                 "",
                 "<input id=\"filter\" type=\"search\" placeholder=\"show only, as: tensor wifi5\" "
                 "aria-label=\"show only\">\n" +
                     leaderboard(page.results));
  out += section("Plots", "Rest on a point to see which it is.", "plots", compare_plots(page.results));
  out +=
      section("Where the time goes",
              "The first run of each setting of several ranks. Of each moment, the part in which a rank computed, sent "
              "and waited for others; what is left is sampling, text, and nothing.",
              "lines", compare_times(page.results));
  out += "<h2>Commands</h2>\n<details><summary>All that was run</summary>\n<pre>";
  for (const std::string& command : page.commands) out += escaped(command) + "\n";
  return out + "</pre></details>\n</main>\n" + std::string(kCompareScript) + "</body></html>\n";
}

}  // namespace covey
