#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/text_files.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"

namespace covey {

namespace {

struct TableFlags {
  std::vector<std::string> files;
  bool markdown = false;
};

double number(const nlohmann::json& summary, const char* key, const std::string& path) {
  const auto found = summary.find(key);
  if (found == summary.end() || !found->is_number()) {
    throw Error(
        fmt::format("{}: summary.{} is missing or not a number: write the file with 'covey run --json'", path, key));
  }
  const double value = found->get<double>();
  if (!(value >= 0) || value > 9e15) throw Error(fmt::format("{}: summary.{} is out of range", path, key));
  return value;
}

std::vector<std::string> row(const std::string& path) {
  const nlohmann::json run = nlohmann::json::parse(read_file(path), nullptr, false);
  if (run.is_discarded() || !run.is_object() || !run.contains("summary") || !run["summary"].is_object()) {
    throw Error(path + ": not a run saved by 'covey run --json'");
  }
  const nlohmann::json& summary = run["summary"];
  const auto value = [&](const char* key) { return number(summary, key, path); };
  const auto count = [&](const char* key) { return static_cast<std::uint64_t>(std::llround(value(key))); };
  const std::string mode = run.contains("mode") && run["mode"].is_string() ? run["mode"].get<std::string>() : path;
  return {mode,
          fmt::format("{}", count("ranks")),
          fmt::format("{}", count("generated_tokens")),
          format_rate(value("tokens_per_second")),
          format_rate(value("stream_tokens_per_second")),
          format_seconds(value("ttft_seconds")),
          format_seconds(value("itl_median_seconds")),
          format_seconds(value("itl_p95_seconds")),
          fmt::format("{}", count("messages")),
          format_bytes(count("bytes")),
          format_bytes(count("model_bytes")),
          format_bytes(count("peak_rss_bytes"))};
}

int compare(const TableFlags& flags) {
  TextTable table({"mode", "ranks", "tokens", "tokens/s", "per stream", "TTFT", "ITL median", "ITL p95", "messages",
                   "bytes sent", "model memory", "peak process"});
  for (const std::string& path : flags.files) table.add_row(row(path));
  print(flags.markdown ? table.markdown() : table.text());
  return kExitOk;
}

}  // namespace

CommandRun add_table(CLI::App& parser) {
  auto flags = std::make_shared<TableFlags>();
  parser.add_option("FILE", flags->files, "Runs saved with 'covey run --json'")
      ->required()
      ->option_text("... (required)");
  parser.add_flag("--markdown", flags->markdown, "As a Markdown table");
  return [flags] { return compare(*flags); };
}

}  // namespace covey
