#include "cli/compare_results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "mpi/eval_marks.hpp"

namespace covey {

namespace {

std::string show_percent(double value) { return fmt::format("{:.1f} %", 100 * value); }
std::string show_bytes(double value) { return format_bytes(static_cast<std::uint64_t>(std::llround(value))); }
std::string show_number(double value) { return fmt::format("{:.0f}", value); }
std::string show_joules(double value) { return fmt::format("{:.1f} J", value); }

std::optional<double> number_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

using MetricValues = std::array<std::optional<double>, kMetricCount>;

// Of one run. What an evaluation measures is of one answer; its ledger is of all.
MetricValues values_of(const Json& outcome) {
  MetricValues values;
  const Json& summary = outcome.at("summary");
  values[kFirstToken] = number_at(summary, "ttft_seconds");
  if (values[kFirstToken] == 0.0) values[kFirstToken].reset();  // a vote writes nothing of its own
  values[kTokenTime] = number_at(summary, "itl_median_seconds");
  values[kTokenRate] = number_at(summary, "tokens_per_second");
  values[kAnswerTime] = number_at(summary, "work_seconds");
  values[kMessages] = number_at(summary, "messages");
  values[kModelBytes] = number_at(summary, "model_bytes");
  values[kAllModelBytes] = number_at(summary, "total_model_bytes");
  values[kPeakBytes] = number_at(summary, "peak_rss_bytes");
  values[kEnergy] = number_at(summary, "joules");
  const auto tokens = number_at(summary, "generated_tokens");
  const auto bytes = number_at(summary, "bytes");
  if (tokens && bytes && *tokens > 0) values[kTokenBytes] = *bytes / *tokens;
  if (!outcome.contains("accuracy")) return values;
  values[kAnswerTime] = number_at(outcome, "seconds_per_answer");
  values[kMessages] = number_at(outcome, "messages_per_answer");
  values[kFirstToken].reset();
  values[kAccuracy] = number_at(outcome["accuracy"], "value");
  const auto answers = number_at(outcome["accuracy"], "count");
  if (values[kEnergy] && answers && *answers > 0) *values[kEnergy] /= *answers;
  return values;
}

struct Gathered {
  CompareResult result;
  std::array<std::pair<double, int>, kMetricCount> sums{};
  Share right;

  void add(const Json& outcome) {
    ++result.runs;
    if (!outcome.is_object() || !outcome.contains("summary")) {
      ++result.failed;
      return;
    }
    const MetricValues values = values_of(outcome);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i]) continue;
      sums[i].first += *values[i];
      ++sums[i].second;
    }
    if (values[kAccuracy]) {
      right.successes += outcome["accuracy"].value("successes", std::int64_t{0});
      right.count += outcome["accuracy"].value("count", std::int64_t{0});
    }
    if (result.ranks.is_null() && outcome.contains("ranks")) result.ranks = outcome["ranks"];
  }

  CompareResult finish() {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (sums[i].second > 0) result.values[i] = sums[i].first / sums[i].second;
    }
    if (right.count > 0) {
      result.accuracy_low = right.low();
      result.accuracy_high = right.high();
    }
    return std::move(result);
  }
};

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

std::vector<std::string> setting_cells(const CompareResult& result) {
  return {result.setting.mode, result.setting.model, fmt::format("{}", result.setting.ranks), result.setting.link};
}

}  // namespace

const std::array<Metric, kMetricCount>& metrics() {
  static const std::array<Metric, kMetricCount> all = {
      {{"accuracy", "right", show_percent, true},
       {"seconds_per_answer", "time per answer", format_seconds, false},
       {"ttft_seconds", "first token", format_seconds, false},
       {"itl_median_seconds", "between tokens", format_seconds, false},
       {"tokens_per_second", "tokens/s", format_rate, true},
       {"bytes_per_token", "bytes per token", show_bytes, false},
       {"messages_per_answer", "messages", show_number, false},
       {"model_bytes", "model, largest rank", show_bytes, false},
       {"total_model_bytes", "model, all ranks", show_bytes, false},
       {"peak_rss_bytes", "peak process", show_bytes, false},
       {"joules_per_answer", "energy", show_joules, false}}};
  return all;
}

std::vector<CompareResult> compare_results(const std::vector<CompareRun>& runs, const std::vector<Json>& outcomes) {
  std::vector<Gathered> all;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto found = std::ranges::find_if(all, [&](const Gathered& one) { return one.result.setting == runs[i].setting; });
    if (found == all.end()) {
      found = all.emplace(all.end());
      found->result.setting = runs[i].setting;
    }
    found->add(outcomes[i]);
  }
  std::vector<CompareResult> results;
  for (Gathered& one : all) results.push_back(one.finish());
  return results;
}

Json results_json(const std::vector<CompareResult>& results) {
  Json all = Json::array();
  for (const CompareResult& result : results) {
    Json one = {{"model", result.setting.model}, {"mode", result.setting.mode}, {"ranks", result.setting.ranks},
                {"link", result.setting.link},   {"runs", result.runs},         {"failed", result.failed}};
    for (std::size_t i = 0; i < kMetricCount; ++i) one[std::string(metrics()[i].key)] = optional_json(result.values[i]);
    one["accuracy_low"] = optional_json(result.accuracy_low);
    one["accuracy_high"] = optional_json(result.accuracy_high);
    all.push_back(std::move(one));
  }
  return all;
}

std::string results_csv(const std::vector<CompareResult>& results) {
  std::vector<std::string> headings = {"mode", "model", "ranks", "link", "runs", "failed"};
  for (const Metric& metric : metrics()) headings.emplace_back(metric.key);
  headings.insert(headings.end(), {"accuracy_low", "accuracy_high"});
  TextTable table(headings);
  const auto cell = [](const std::optional<double>& value) { return value ? fmt::format("{:.9g}", *value) : ""; };
  for (const CompareResult& result : results) {
    std::vector<std::string> cells = setting_cells(result);
    cells.insert(cells.end(), {fmt::format("{}", result.runs), fmt::format("{}", result.failed)});
    for (const auto& value : result.values) cells.push_back(cell(value));
    cells.insert(cells.end(), {cell(result.accuracy_low), cell(result.accuracy_high)});
    table.add_row(std::move(cells));
  }
  return table.csv();
}

std::string results_table(const std::vector<CompareResult>& results) {
  constexpr std::array kShown = {kAccuracy, kAnswerTime, kFirstToken, kTokenRate, kTokenBytes, kModelBytes};
  std::vector<std::string> headings = {"mode", "model", "ranks", "link"};
  for (const MetricIndex index : kShown) headings.emplace_back(metrics()[index].title);
  TextTable table(headings, {0, 1, 3});
  for (const CompareResult& result : results) {
    std::vector<std::string> cells = setting_cells(result);
    for (const MetricIndex index : kShown) {
      const auto& value = result.values[index];
      cells.push_back(value ? metrics()[index].show(*value) : result.failed == result.runs ? "failed" : "-");
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

std::string setting_name(const CompareSetting& setting) {
  return fmt::format("{}, {} rank{}{}{}, {}", setting.mode, setting.ranks, setting.ranks == 1 ? "" : "s",
                     setting.link.empty() ? "" : ", ", setting.link, setting.model);
}

}  // namespace covey
