#include "cli/bench_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

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

double percent_of_limit(const BenchResult& result, const Bound& bound) {
  return 100 * bound.seconds * rates_of(result).median / static_cast<double>(result.test.evaluated());
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
    const Bound bound = bound_of(result.work, report.limits_of(result));
    const BenchRates rates = rates_of(result);
    table.add_row({result.model, result.format, result.isa, fmt::format("{}", result.threads), result.test.name(),
                   format_rate(rates.median), fmt::format("{:.1f} %", 100 * rates.spread), std::string(bound.limit),
                   fmt::format("{:.1f}", percent_of_limit(result, bound))});
  }
  return table;
}

// Numbers in full, for whoever computes with them.
TextTable results_csv(const BenchReport& report) {
  TextTable table({"model", "format", "isa", "threads", "test", "median_tps", "spread", "limit", "percent_of_limit"});
  for (const BenchResult& result : report.results) {
    const Bound bound = bound_of(result.work, report.limits_of(result));
    const BenchRates rates = rates_of(result);
    table.add_row({result.model, result.format, result.isa, fmt::format("{}", result.threads), result.test.name(),
                   fmt::format("{}", rates.median), fmt::format("{}", rates.spread), std::string(bound.limit),
                   fmt::format("{}", percent_of_limit(result, bound))});
  }
  return table;
}

Json result_json(const BenchReport& report, const BenchResult& result) {
  const Bound bound = bound_of(result.work, report.limits_of(result));
  const BenchRates rates = rates_of(result);
  return {{"model", result.model},
          {"format", result.format},
          {"isa", result.isa},
          {"test", result.test.name()},
          {"threads", result.threads},
          {"median_tps", rates.median},
          {"spread", rates.spread},
          {"limit", bound.limit},
          {"percent_of_limit", percent_of_limit(result, bound)},
          {"kv", result.kv},
          {"tokens", result.test.evaluated()},
          {"sequences", result.test.sequences},
          {"depth", result.test.depth},
          {"int8_operations", result.work.int8_operations},
          {"float_operations", result.work.float_operations},
          {"bytes", result.work.bytes},
          {"seconds", result.seconds}};
}

}  // namespace

const MachineLimits& BenchReport::limits_of(const BenchResult& result) const {
  const auto found = std::ranges::find_if(
      limits, [&](const BenchLimits& entry) { return entry.isa == result.isa && entry.threads == result.threads; });
  if (found == limits.end()) throw std::logic_error("no limits for " + result.isa);
  return found->limits;
}

BenchRates rates_of(const BenchResult& result) {
  std::vector<double> rates;
  for (const double seconds : result.seconds) rates.push_back(static_cast<double>(result.test.evaluated()) / seconds);
  const auto [smallest, largest] = std::ranges::minmax(rates);
  const double middle = median(std::move(rates));
  return {middle, (largest - smallest) / middle};
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
    limits[isa][fmt::format("{}", threads)] = {
        {"int8", most.int8_operations}, {"fma", most.float_operations}, {"bandwidth", most.read_bytes}};
  }
  Json results = Json::array();
  for (const BenchResult& result : report.results) results.push_back(result_json(report, result));
  return {{"limits", std::move(limits)}, {"results", std::move(results)}};
}

}  // namespace covey
