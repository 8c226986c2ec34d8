// The results of `covey bench`, as text and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_plan.hpp"
#include "cli/report_json.hpp"
#include "cli/text_table.hpp"

namespace covey {

struct BenchLimits {
  std::string isa;
  int threads = 0;
  MachineLimits limits;
};

struct BenchResult {
  std::string model;   ///< name of the file
  std::string format;  ///< of its weights
  std::string isa;
  std::string kv;  ///< as given: "auto", "f16", …
  int threads = 0;
  BenchTest test;
  PassWork work;                ///< of one repetition
  std::vector<double> seconds;  ///< of each repetition
};

struct BenchReport {
  std::vector<BenchLimits> limits;
  std::vector<BenchResult> results;

  /// The entry for the instruction set and threads of `result`, which must be there.
  const MachineLimits& limits_of(const BenchResult& result) const;
};

/// Tokens a second of each repetition, in brief.
struct BenchRates {
  double median = 0;
  double spread = 0;  ///< (largest - smallest) / median
};
BenchRates rates_of(const BenchResult& result);

/// How the report is printed.
enum class BenchFormat : std::uint8_t { table, json, csv, markdown };

/// "table", "json", …, in order of the enumerators.
const std::vector<std::string>& bench_format_names();

/// CSV is one table: of results, or of limits where there are no results.
std::string bench_text(const BenchReport& report, BenchFormat format);

/// {"limits": {isa: {threads: {"int8", "fma", "bandwidth"}}}, "results": […]}: units are operations, bytes, tokens and
/// seconds.
Json bench_json(const BenchReport& report);

}  // namespace covey
