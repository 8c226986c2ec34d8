// The results of `covey bench`, as text and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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
  PassWork work;  ///< of one repetition
  struct Repetition {
    double seconds = 0;
    MachineLimits limits;  ///< just before and just after it, half way between
  };
  std::vector<Repetition> repetitions;
};

struct BenchReport {
  std::vector<BenchLimits> limits;  ///< the fastest that was noted
  std::vector<BenchResult> results;

  void note(const std::string& isa, int threads, const MachineLimits& measured);
};

/// All repetitions in brief.
struct BenchSummary {
  double tokens_per_second = 0;  ///< median
  double spread = 0;             ///< (largest - smallest) / median
  std::string_view limit;        ///< what binds most repetitions: "int8", "fma" or "bandwidth"
  double percent_of_limit = 0;   ///< of each repetition's own limits; median
};
BenchSummary summary_of(const BenchResult& result);

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
