#include "cli/compare_html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "cli/svg_plot.hpp"
#include "mpi/link_model.hpp"

namespace covey {

namespace {

constexpr std::string_view kStyle = R"(<style>
:root{--back:#fff;--text:#1b1f24;--faint:#667;--line:#d8dce2;--row:#f4f6f8;
--c0:#2563a8;--c1:#c2571a;--c2:#2b8a4b;--c3:#a3257d;--c4:#7a6a12;--c5:#148a91;--c6:#6d4bc3;--c7:#b3313a}
@media(prefers-color-scheme:dark){:root{--back:#14171b;--text:#e4e8ee;--faint:#98a1ad;--line:#343a43;--row:#1c2026;
--c0:#6aa8ee;--c1:#f09a5f;--c2:#63c586;--c3:#e27bc4;--c4:#d3bf52;--c5:#56cbd2;--c6:#ae97f2;--c7:#ef7f86}}
*{box-sizing:border-box}
body{margin:0 auto;padding:16px;max-width:1280px;background:var(--back);color:var(--text);font:15px/1.45 system-ui,sans-serif}
h1{font-size:24px;margin:8px 0}h2{font-size:18px;margin:28px 0 8px}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px;white-space:nowrap}
th,td{padding:5px 9px;text-align:right;border-bottom:1px solid var(--line)}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}tbody tr:nth-child(odd){background:var(--row)}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--c0)}
th[aria-sort=ascending] button::after{content:" \2191"}th[aria-sort=descending] button::after{content:" \2193"}
.best{font-weight:700;color:var(--c2)}.small{color:var(--faint);font-size:13px}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:16px}
figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:8px}figcaption{font-weight:600;margin:0 0 4px}
svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--text)}
.grid{stroke:var(--line);stroke-width:1}polyline{fill:none;stroke-width:2}
pre{background:var(--row);padding:10px;overflow-x:auto;font-size:13px}
)";

constexpr std::string_view kScript = R"(<script>
document.querySelectorAll('th button').forEach(function(button){button.addEventListener('click',function(){
var head=button.parentNode,body=head.closest('table').tBodies[0],column=head.cellIndex;
var up=head.getAttribute('aria-sort')!=='ascending';
head.parentNode.querySelectorAll('th').forEach(function(other){other.removeAttribute('aria-sort')});
head.setAttribute('aria-sort',up?'ascending':'descending');
function key(row){var value=row.cells[column].dataset.value;return value===undefined?row.cells[column].textContent:value===''?null:Number(value)}
Array.from(body.rows).sort(function(a,b){var x=key(a),y=key(b);
if(x===null||y===null)return(x===null)-(y===null);
var order=typeof x==='number'?x-y:x.localeCompare(y);return up?order:-order}).forEach(function(row){body.appendChild(row)})})})
</script>
)";

std::string style() {
  std::string out(kStyle);
  for (int i = 0; i < 8; ++i)
    out += fmt::format(".f{0}{{fill:var(--c{0})}}.s{0}{{stroke:var(--c{0});stroke-width:2}}\n", i);
  return out + "</style>\n";
}

// -- Table ------------------------------------------------------------------------------------------------------------

std::optional<double> best_of(const std::vector<CompareResult>& results, std::size_t metric) {
  std::optional<double> best;
  for (const CompareResult& result : results) {
    const auto& value = result.values[metric];
    if (value && (!best || (metrics()[metric].more_is_better ? *value > *best : *value < *best))) best = value;
  }
  return best;
}

std::string metric_cell(const CompareResult& result, std::size_t metric, const std::optional<double>& best) {
  const auto& value = result.values[metric];
  if (!value) return "<td data-value=\"\">-</td>";
  std::string text = metrics()[metric].show(*value);
  if (metric == kAccuracy && result.accuracy_low) {
    text += fmt::format(" ({:.1f} - {:.1f})", 100 * *result.accuracy_low, 100 * *result.accuracy_high);
  }
  return fmt::format("<td data-value=\"{:.9g}\"{}>{}</td>", *value, value == best ? " class=\"best\"" : "",
                     escaped(text));
}

std::string leaderboard(const std::vector<CompareResult>& results) {
  std::vector<std::size_t> shown;
  for (std::size_t metric = 0; metric < kMetricCount; ++metric) {
    if (best_of(results, metric)) shown.push_back(metric);
  }
  std::string out = "<div class=\"wide\"><table><thead><tr>";
  const auto heading = [&](std::string_view title) {
    out += fmt::format("<th><button>{}</button></th>", escaped(title));
  };
  for (const char* title : {"mode", "model", "ranks", "link"}) heading(title);
  for (const std::size_t metric : shown) heading(metrics()[metric].title);
  out += "</tr></thead>\n<tbody>\n";
  for (const CompareResult& result : results) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td data-value=\"{}\">{}</td><td>{}</td>",
                       escaped(result.setting.mode), escaped(result.setting.model), result.setting.ranks,
                       result.setting.ranks, escaped(result.setting.link));
    for (const std::size_t metric : shown) out += metric_cell(result, metric, best_of(results, metric));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

// -- Plots ------------------------------------------------------------------------------------------------------------

using Place = std::function<std::optional<double>(const CompareResult&)>;

// A series for each `name_of`, its points in order of x.
std::vector<PlotSeries> series_of(const std::vector<CompareResult>& results, const Place& x, const Place& y,
                                  const std::function<std::string(const CompareSetting&)>& name_of) {
  std::vector<PlotSeries> all;
  for (const CompareResult& result : results) {
    const auto at = x(result);
    const auto value = y(result);
    if (!at || !value) continue;
    const std::string name = name_of(result.setting);
    auto found = std::ranges::find(all, name, &PlotSeries::name);
    if (found == all.end()) found = all.insert(all.end(), {name, {}});
    found->points.push_back({*at, *value, fmt::format("{}: {:.4g}", setting_name(result.setting), *value), 0, 0});
  }
  for (PlotSeries& series : all) std::ranges::stable_sort(series.points, {}, &PlotPoint::x);
  return all;
}

Place metric_at(std::size_t metric) {
  return [metric](const CompareResult& result) { return result.values[metric]; };
}

std::string without_link(const CompareSetting& setting) {
  return setting_name({setting.model, setting.mode, "", setting.ranks});
}

std::string link_plot(const std::vector<CompareResult>& results, bool bandwidth) {
  const Place x = [bandwidth](const CompareResult& result) -> std::optional<double> {
    if (result.setting.link.empty()) return std::nullopt;
    const LinkProfile link = find_link_profile(result.setting.link);
    const double value = bandwidth ? link.bits_per_second / 1e6 : 1000 * link.latency.count();
    return value > 0 ? std::optional(value) : std::nullopt;
  };
  Plot plot;
  plot.title = bandwidth ? "Time per answer, by the link's bandwidth" : "Time per answer, by the link's latency";
  plot.x_title = bandwidth ? "Mbit/s" : "ms, one way";
  plot.y_title = "s";
  plot.x_log = plot.y_log = true;
  plot.series = series_of(results, x, metric_at(kAnswerTime), without_link);
  return svg_plot(plot);
}

std::string accuracy_plot(const std::vector<CompareResult>& results) {
  Plot plot;
  plot.title = "Right answers, by time per answer";
  plot.x_title = "s per answer";
  plot.y_title = "% right, 95 % interval";
  plot.x_log = true;
  plot.joined = false;
  for (const CompareResult& result : results) {
    if (!result.values[kAccuracy] || !result.values[kAnswerTime] || !result.accuracy_low) continue;
    plot.series.push_back({setting_name(result.setting),
                           {{*result.values[kAnswerTime], 100 * *result.values[kAccuracy], setting_name(result.setting),
                             100 * *result.accuracy_low, 100 * *result.accuracy_high}}});
  }
  return svg_plot(plot);
}

std::string speedup_plot(const std::vector<CompareResult>& results) {
  const auto alone = [&](const CompareSetting& setting) -> std::optional<double> {
    for (const CompareResult& result : results) {
      if (result.setting.ranks == 1 && result.setting.model == setting.model && result.setting.mode == setting.mode) {
        return result.values[kTokenRate];
      }
    }
    return std::nullopt;
  };
  const Place y = [&](const CompareResult& result) -> std::optional<double> {
    const auto one = alone(result.setting);
    if (!one || *one <= 0 || !result.values[kTokenRate]) return std::nullopt;
    return *result.values[kTokenRate] / *one;
  };
  const Place x = [](const CompareResult& result) { return std::optional<double>(result.setting.ranks); };
  Plot plot;
  plot.title = "Speed-up over devices";
  plot.x_title = "ranks";
  plot.y_title = "tokens/s over those of one rank";
  plot.series = series_of(results, x, y, [](const CompareSetting& setting) {
    return fmt::format("{}{}{}, {}", setting.mode, setting.link.empty() ? "" : ", ", setting.link, setting.model);
  });
  std::erase_if(plot.series, [](const PlotSeries& series) { return series.points.back().x < 2; });
  return svg_plot(plot);
}

std::string bytes_bars(const std::vector<CompareResult>& results) {
  std::vector<PlotRow> rows;
  for (const CompareResult& result : results) {
    const auto& bytes = result.values[kTokenBytes];
    if (bytes && result.setting.ranks > 1) rows.push_back({setting_name(result.setting), {{"bytes", *bytes}}});
  }
  return svg_bars("Bytes sent per token", "B", rows);
}

// Where the time of each rank went in the first run.
std::string rank_bars(const CompareResult& result) {
  std::vector<PlotRow> rows;
  if (!result.ranks.is_array() || result.setting.ranks < 2) return {};
  for (const Json& rank : result.ranks) {
    PlotRow row{fmt::format("rank {}", rank.value("rank", 0)), {}};
    for (const char* phase : {"prefill", "decode", "other"}) {
      if (!rank.contains("phases") || !rank["phases"].contains(phase)) continue;
      const Json& time = rank["phases"][phase];
      row.pieces.push_back({fmt::format("{}: computing", phase), time.value("compute", 0.0)});
      row.pieces.push_back({"sending", time.value("transfer", 0.0)});
      row.pieces.push_back({"waiting", time.value("wait", 0.0)});
    }
    rows.push_back(std::move(row));
  }
  return svg_bars("Time of each rank: " + setting_name(result.setting), "s", rows);
}

}  // namespace

std::string compare_html(const ComparePage& page) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  out +=
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n";
  out += fmt::format("<title>{0}</title>\n{1}</head>\n<body>\n<h1>{0}</h1>\n<p class=\"small\">", escaped(page.title),
                     style());
  for (const auto& [name, value] : page.machine) out += fmt::format("{}: {}<br>\n", escaped(name), escaped(value));
  out +=
      "</p>\n<h2>All settings</h2>\n<p class=\"small\">A click on a heading sorts by it. The best of each column is "
      "marked.</p>\n";
  out += leaderboard(page.results);
  out += "<h2>Plots</h2>\n<div class=\"plots\">\n";
  out += accuracy_plot(page.results) + link_plot(page.results, false) + link_plot(page.results, true) +
         speedup_plot(page.results) + bytes_bars(page.results);
  out += "</div>\n<h2>Where the time went</h2>\n<div class=\"plots\">\n";
  for (const CompareResult& result : page.results) out += rank_bars(result);
  out += "</div>\n<h2>Commands</h2>\n<pre>";
  for (const std::string& command : page.commands) out += escaped(command) + "\n";
  return out + "</pre>\n" + std::string(kScript) + "</body></html>\n";
}

}  // namespace covey
