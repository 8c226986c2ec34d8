#include "cli/bench_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "cli/units.hpp"

namespace covey {

namespace {

constexpr double kGiga = 1e-9;

// Of a list that is not empty.
double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

TextTable limits_table(const BenchReport& report) {
  TextTable table({"isa", "threads", "int8 Gop/s", "fp32 Gflop/s", "read GB/s"});
  for (const auto& [isa, threads, limits] : report.limits) {
    table.add_row({isa, fmt::format("{}", threads), fmt::format("{:.1f}", limits.int8_operations * kGiga),
                   fmt::format("{:.1f}", limits.float_operations * kGiga),
                   fmt::format("{:.2f}", limits.read_bytes * kGiga)});
  }
  return table;
}

TextTable results_table(const BenchReport& report) {
  TextTable table({"model", "format", "isa", "threads", "test", "tokens/s", "spread", "limit", "% of limit"},
                  {0, 1, 2, 4, 7});
  for (const BenchResult& result : report.results) {
    const BenchSummary summary = summary_of(result);
    table.add_row({result.model, result.format, result.isa, fmt::format("{}", result.threads), result.test.name(),
                   format_rate(summary.tokens_per_second), fmt::format("{:.1f} %", 100 * summary.spread),
                   std::string(summary.limit), fmt::format("{:.1f}", summary.percent_of_limit)});
  }
  return table;
}

// Numbers in full, for whoever computes with them.
TextTable results_csv(const BenchReport& report) {
  TextTable table({"model", "format", "isa", "threads", "test", "median_tps", "spread", "limit", "percent_of_limit"});
  for (const BenchResult& result : report.results) {
    const BenchSummary summary = summary_of(result);
    table.add_row({result.model, result.format, result.isa, fmt::format("{}", result.threads), result.test.name(),
                   fmt::format("{}", summary.tokens_per_second), fmt::format("{}", summary.spread),
                   std::string(summary.limit), fmt::format("{}", summary.percent_of_limit)});
  }
  return table;
}

Json limits_json(const MachineLimits& limits) {
  return {{"int8", limits.int8_operations},
          {"fma", limits.float_operations},
          {"bandwidth", limits.read_bytes},
          {"fp16", limits.half_operations}};
}

Json result_json(const BenchResult& result) {
  const BenchSummary summary = summary_of(result);
  Json repetitions = Json::array();
  for (const auto& [seconds, limits] : result.repetitions) {
    repetitions.push_back({{"seconds", seconds}, {"limits", limits_json(limits)}});
  }
  return {{"model", result.model},
          {"format", result.format},
          {"isa", result.isa},
          {"test", result.test.name()},
          {"threads", result.threads},
          {"median_tps", summary.tokens_per_second},
          {"spread", summary.spread},
          {"limit", summary.limit},
          {"percent_of_limit", summary.percent_of_limit},
          {"kv", result.kv},
          {"tokens", result.test.evaluated()},
          {"sequences", result.test.sequences},
          {"depth", result.test.depth},
          {"int8_operations", result.work.int8_operations},
          {"float_operations", result.work.float_operations},
          {"bytes", result.work.bytes},
          {"repetitions", std::move(repetitions)}};
}

}  // namespace

void BenchReport::note(const std::string& isa, int threads, const MachineLimits& measured) {
  const auto known = std::ranges::find_if(
      limits, [&](const BenchLimits& entry) { return entry.isa == isa && entry.threads == threads; });
  if (known == limits.end()) {
    limits.push_back({isa, threads, measured});
  } else {
    known->limits = best_of(known->limits, measured);
  }
}

BenchSummary summary_of(const BenchResult& result) {
  std::vector<double> rates;
  std::vector<double> shares;
  std::vector<std::string_view> bounds;
  for (const auto& [seconds, limits] : result.repetitions) {
    const Bound bound = bound_of(result.work, limits);
    rates.push_back(static_cast<double>(result.test.evaluated()) / seconds);
    shares.push_back(100 * bound.seconds / seconds);
    bounds.push_back(bound.limit);
  }
  const auto most_common =
      std::ranges::max(bounds, {}, [&](std::string_view name) { return std::ranges::count(bounds, name); });
  const auto [smallest, largest] = std::ranges::minmax(rates);
  const double middle = median(rates);
  return {middle, (largest - smallest) / middle, most_common, median(shares)};
}

const std::vector<std::string>& bench_format_names() {
  static const std::vector<std::string> names = {"table", "json", "csv", "markdown"};
  return names;
}

std::string bench_text(const BenchReport& report, BenchFormat format) {
  const bool results = !report.results.empty();
  switch (format) {
    case BenchFormat::json:
      return json_line(bench_json(report));
    case BenchFormat::csv:
      return results ? results_csv(report).csv() : limits_table(report).csv();
    case BenchFormat::markdown:
      return limits_table(report).markdown() + (results ? "\n" + results_table(report).markdown() : "");
    case BenchFormat::table:
      break;
  }
  return limits_table(report).text() + (results ? "\n" + results_table(report).text() : "");
}

Json bench_json(const BenchReport& report) {
  Json limits = Json::object();
  for (const auto& [isa, threads, most] : report.limits) {
    limits[isa][fmt::format("{}", threads)] = limits_json(most);
  }
  Json results = Json::array();
  for (const BenchResult& result : report.results) results.push_back(result_json(result));
  return {{"limits", std::move(limits)}, {"results", std::move(results)}};
}

}  // namespace covey
