// What the runs of each setting came to, on average.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/compare_plan.hpp"
#include "cli/report_json.hpp"

namespace covey {

/// A number that settings are compared by.
struct Metric {
  std::string_view key;
  std::string_view title;
  std::string (*show)(double value);
  bool more_is_better;
};

enum MetricIndex : std::size_t {
  kAccuracy,
  kAnswerTime,
  kFirstToken,
  kTokenTime,
  kTokenRate,
  kTokenBytes,
  kMessages,
  kModelBytes,
  kAllModelBytes,
  kPeakBytes,
  kEnergy,
  kMetricCount
};
const std::array<Metric, kMetricCount>& metrics();

struct CompareResult {
  CompareSetting setting;
  std::array<std::optional<double>, kMetricCount> values;  ///< means; nullopt where there is nothing to measure
  std::optional<double> accuracy_low, accuracy_high;       ///< 95 %, over all runs together
  std::int32_t runs = 0, failed = 0;
  Json ranks;  ///< the accounts of the first run
};

/// `outcomes`: of `runs`, the JSON that each printed; null where it failed. In the order in which settings come.
std::vector<CompareResult> compare_results(const std::vector<CompareRun>& runs, const std::vector<Json>& outcomes);

Json results_json(const std::vector<CompareResult>& results);
std::string results_csv(const std::vector<CompareResult>& results);
/// For the terminal.
std::string results_table(const std::vector<CompareResult>& results);

/// "tensor, 4 ranks, wifi5, m.gguf"
std::string setting_name(const CompareSetting& setting);

}  // namespace covey
