#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
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

/// A file that `covey run --json` or `covey eval --json` has written.
class SavedRun {
 public:
  explicit SavedRun(std::string path)
      : path_(std::move(path)), json_(nlohmann::json::parse(read_file(path_), nullptr, false)) {
    if (json_.is_discarded() || !json_.is_object() || !json_.contains("summary") || !json_["summary"].is_object()) {
      throw Error(path_ + ": not a run saved by 'covey run --json' or 'covey eval --json'");
    }
  }

  bool is_evaluation() const { return json_.contains("accuracy"); }
  std::string mode() const {
    const auto found = json_.find("mode");
    return found != json_.end() && found->is_string() ? found->get<std::string>() : path_;
  }
  /// The file's name without folders and ending.
  std::string name() const { return std::filesystem::path(path_).stem().string(); }

  double value(const char* pointer) const {
    const nlohmann::json::json_pointer where(std::string("/") + pointer);
    if (!json_.contains(where) || !json_[where].is_number()) bad(pointer, "is missing or not a number");
    const auto value = json_[where].get<double>();
    if (!(value >= 0) || value > 9e15) bad(pointer, "is out of range");
    return value;
  }
  std::uint64_t count(const char* pointer) const { return static_cast<std::uint64_t>(std::llround(value(pointer))); }

 private:
  [[noreturn]] void bad(const char* pointer, const char* what) const {
    throw Error(
        fmt::format("{}: {} {}: write the file with 'covey run --json' or 'covey eval --json'", path_, pointer, what));
  }

  std::string path_;
  nlohmann::json json_;
};

TextTable run_table(const std::vector<SavedRun>& runs) {
  TextTable table({"mode", "ranks", "tokens", "tokens/s", "per stream", "TTFT", "ITL median", "ITL p95", "messages",
                   "bytes sent", "model memory", "peak process"});
  for (const SavedRun& run : runs) {
    table.add_row(
        {run.mode(), fmt::format("{}", run.count("summary/ranks")),
         fmt::format("{}", run.count("summary/generated_tokens")), format_rate(run.value("summary/tokens_per_second")),
         format_rate(run.value("summary/stream_tokens_per_second")), format_seconds(run.value("summary/ttft_seconds")),
         format_seconds(run.value("summary/itl_median_seconds")), format_seconds(run.value("summary/itl_p95_seconds")),
         fmt::format("{}", run.count("summary/messages")), format_bytes(run.count("summary/bytes")),
         format_bytes(run.count("summary/model_bytes")), format_bytes(run.count("summary/peak_rss_bytes"))});
  }
  return table;
}

TextTable evaluation_table(const std::vector<SavedRun>& runs) {
  TextTable table({"evaluation", "ranks", "questions", "right %", "95 % interval", "tokens/s", "TTFT", "time/answer",
                   "messages/answer", "bytes/answer", "model memory", "peak process"});
  for (const SavedRun& run : runs) {
    table.add_row({run.name(), fmt::format("{}", run.count("summary/ranks")),
                   fmt::format("{}", run.count("accuracy/count")),
                   fmt::format("{:.1f}", 100 * run.value("accuracy/value")),
                   fmt::format("{:.1f} - {:.1f}", 100 * run.value("accuracy/low"), 100 * run.value("accuracy/high")),
                   format_rate(run.value("summary/tokens_per_second")),
                   format_seconds(run.value("summary/ttft_seconds")), format_seconds(run.value("seconds_per_answer")),
                   fmt::format("{:.1f}", run.value("messages_per_answer")), format_bytes(run.count("bytes_per_answer")),
                   format_bytes(run.count("summary/model_bytes")), format_bytes(run.count("summary/peak_rss_bytes"))});
  }
  return table;
}

int compare(const TableFlags& flags) {
  const std::vector<SavedRun> runs(flags.files.begin(), flags.files.end());
  const auto evaluations = std::ranges::count_if(runs, &SavedRun::is_evaluation);
  if (evaluations != 0 && evaluations != std::ssize(runs)) {
    throw Error("runs of 'covey run' and of 'covey eval' have different columns: make a table of each");
  }
  const TextTable table = evaluations == 0 ? run_table(runs) : evaluation_table(runs);
  print(flags.markdown ? table.markdown() : table.text());
  return kExitOk;
}

}  // namespace

CommandRun add_table(CLI::App& parser) {
  auto flags = std::make_shared<TableFlags>();
  parser
      .add_option("FILE", flags->files, "Runs saved with 'covey run --json', or evaluations with 'covey eval --json'")
      ->required()
      ->option_text("... (required)");
  parser.add_flag("--markdown", flags->markdown, "As a Markdown table");
  return [flags] { return compare(*flags); };
}

}  // namespace covey
