#include "cli/compare_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "cli/svg_plot.hpp"
#include "cli/svg_strips.hpp"
#include "cli/units.hpp"
#include "mpi/link_model.hpp"

namespace covey {

namespace {

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
  plot.y_title = "seconds";
  plot.x_log = plot.y_log = true;
  plot.series = series_of(results, x, metric_at(kAnswerTime), without_link);
  return svg_plot(plot);
}

std::string accuracy_plot(const std::vector<CompareResult>& results) {
  Plot plot;
  plot.title = "Right answers, by time per answer";
  plot.x_title = "s per answer";
  plot.y_title = "% right";
  plot.remark = "bars: the interval that holds the true share with 95 %";
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

std::string speedup_plot(const std::vector<CompareResult>& results, const std::string& model, bool only) {
  const auto on_one_rank = [&](const std::string& mode) -> std::optional<double> {
    const auto is_that = [&](const CompareResult& result) {
      return result.setting.ranks == 1 && result.setting.model == model && result.setting.mode == mode;
    };
    const auto found = std::ranges::find_if(results, is_that);
    return found == results.end() ? std::nullopt : found->values[kTokenRate];
  };
  const auto alone = [&](const CompareSetting& setting) {
    const auto same = on_one_rank(setting.mode);
    return same ? same : on_one_rank("solo");  // what splits a model is, on one rank, solo
  };
  const Place y = [&](const CompareResult& result) -> std::optional<double> {
    if (result.setting.model != model) return std::nullopt;
    const auto one = alone(result.setting);
    if (!one || *one <= 0 || !result.values[kTokenRate]) return std::nullopt;
    return *result.values[kTokenRate] / *one;
  };
  const Place x = [](const CompareResult& result) { return std::optional<double>(result.setting.ranks); };
  Plot plot;
  plot.title = "Speed-up over devices" + (only ? "" : ": " + model);
  plot.x_title = "ranks";
  plot.y_title = "tokens/s over those of one rank";
  plot.remark = "dotted: as many times as there are ranks";
  plot.diagonal = true;
  plot.series = series_of(results, x, y, [](const CompareSetting& setting) {
    return fmt::format("{}{}{}", setting.mode, setting.link.empty() ? "" : ", ", setting.link);
  });
  std::erase_if(plot.series, [](const PlotSeries& series) { return series.points.back().x < 2; });
  return svg_plot(plot);
}

// One for each model: together they would be too many lines for the eye.
std::string speedup_plots(const std::vector<CompareResult>& results) {
  std::vector<std::string> models;
  for (const CompareResult& result : results) {
    if (std::ranges::find(models, result.setting.model) == models.end()) models.push_back(result.setting.model);
  }
  std::string out;
  for (const std::string& model : models) out += speedup_plot(results, model, models.size() == 1);
  return out;
}

std::string bytes_text(double value) { return format_bytes(static_cast<std::uint64_t>(std::max(0.0, value))); }

std::string bytes_bars(const std::vector<CompareResult>& results) {
  std::vector<BarRow> rows;
  for (const CompareResult& result : results) {
    const auto& bytes = result.values[kTokenBytes];
    if (!bytes || result.setting.ranks < 2) continue;
    rows.push_back({setting_name(result.setting), bytes_text(*bytes), {{"bytes", "c0", *bytes}}});
  }
  return bar_figure("Bytes sent per token", "by all ranks, over all tokens that were generated", rows, bytes_text);
}

// Where the time of each rank went in the first run.
std::string rank_bars(const CompareResult& result) {
  std::vector<BarRow> rows;
  if (!result.ranks.is_array()) return {};
  for (const Json& rank : result.ranks) {
    BarRow row{fmt::format("rank {}", rank.value("rank", 0)), "", {}};
    double sums[4] = {};
    for (const char* phase : {"prefill", "decode", "other"}) {
      if (!rank.contains("phases") || !rank["phases"].contains(phase)) continue;
      const Json& time = rank["phases"][phase];
      sums[phase == std::string_view("decode") ? 1 : 0] += time.value("compute", 0.0);
      sums[2] += time.value("transfer", 0.0);
      sums[3] += time.value("wait", 0.0);
    }
    row.pieces = {{"computes, prefill", "c6", sums[0]},
                  {"computes, decode", "computes", sums[1]},
                  {"sends", "sends", sums[2]},
                  {"waits", "waits", sums[3]}};
    row.value = format_seconds(sums[0] + sums[1] + sums[2] + sums[3]);
    rows.push_back(std::move(row));
  }
  return bar_figure("Time of each rank: " + setting_name(result.setting), "all of the first run", rows, format_seconds);
}

}  // namespace

std::string compare_plots(const std::vector<CompareResult>& results) {
  return accuracy_plot(results) + link_plot(results, false) + link_plot(results, true) + speedup_plots(results) +
         bytes_bars(results);
}

std::string compare_times(const std::vector<CompareResult>& results) {
  std::string out;
  for (const CompareResult& result : results) {
    if (result.setting.ranks < 2) continue;
    out += timeline_figure("Time line: " + setting_name(result.setting), result.ranks);
    out += rank_bars(result);
  }
  return out;
}

}  // namespace covey
