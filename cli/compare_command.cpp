#include <fmt/format.h>
#include <sys/utsname.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/child_process.hpp"
#include "cli/command.hpp"
#include "cli/compare_html.hpp"
#include "cli/compare_job.hpp"
#include "cli/compare_results.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/text_files.hpp"
#include "cli/version.hpp"
#include "kernels/cpu/cores.hpp"
#include "mpi/machine_usage.hpp"

namespace covey {

namespace {

namespace fs = std::filesystem;

struct CompareFlags {
  std::string job;
  std::string output;
  bool dry_run = false;
  bool quiet = false;

  fs::path folder() const { return output.empty() ? fs::path(job).replace_extension("compare") : fs::path(output); }
};

std::vector<std::string> command_of(const CompareRun& run) {
  std::vector<std::string> command = {fs::read_symlink("/proc/self/exe").string()};
  command.insert(command.end(), run.arguments.begin(), run.arguments.end());
  return command;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n\r");
  if (end == std::string::npos) return {};
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

// What an earlier comparison left of this very command; null if it did not, or failed.
Json earlier_outcome(const fs::path& file, const CompareRun& run) {
  if (!fs::exists(file)) return {};
  const Json saved = Json::parse(read_file(file.string()), nullptr, false);
  const bool same = saved.is_object() && saved.value("command", Json()) == Json(run.arguments);
  return same ? saved.value("outcome", Json()) : Json();
}

Json outcome_of(const fs::path& file, const CompareRun& run) {
  if (Json earlier = earlier_outcome(file, run); !earlier.is_null()) return earlier;
  const ChildEnd end = run_child(command_of(run));
  Json outcome = end.code == 0 ? Json::parse(end.out, nullptr, false) : Json();
  if (!outcome.is_object()) {
    print_note(fmt::format("{} failed: {}", setting_name(run.setting), last_line(end.err)));
    outcome = Json();
  }
  const Json saved = {{"command", run.arguments}, {"outcome", outcome}, {"error", outcome.is_null() ? end.err : ""}};
  write_file(file.string(), json_line(saved));
  return outcome;
}

std::string processor_name() {
  const std::string text = fs::exists("/proc/cpuinfo") ? read_file("/proc/cpuinfo") : std::string();
  const std::size_t at = text.find("model name");
  if (at == std::string::npos) return "unknown";
  const std::size_t begin = text.find(':', at) + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::vector<std::pair<std::string, std::string>> machine_facts() {
  utsname system{};
  ::uname(&system);
  return {{"host", host_name()},
          {"processor", fmt::format("{}, {} cores for this program", processor_name(), available_cores())},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"program", version_text().substr(0, version_text().find('\n'))}};
}

void write_reports(const CompareFlags& flags, const CompareJob& job, const std::vector<CompareRun>& runs,
                   const std::vector<CompareResult>& results) {
  ComparePage page{job.title, machine_facts(), results, {}};
  for (const CompareRun& run : runs) {
    const std::string command = "covey " + command_text(run.arguments);
    if (page.commands.empty() || page.commands.back() != command) page.commands.push_back(command);
  }
  Json all = {{"title", job.title}, {"machine", Json::object()}, {"results", results_json(results)}};
  for (const auto& [name, value] : page.machine) all["machine"][name] = value;
  all["commands"] = page.commands;
  write_file((flags.folder() / "results.json").string(), all.dump(1) + "\n");
  write_file((flags.folder() / "results.csv").string(), results_csv(results));
  write_file((flags.folder() / "report.html").string(), compare_html(page));
}

CompareJob job_of(const CompareFlags& flags) {
#ifdef COVEY_WITH_YAML
  return parse_compare_job(read_file(flags.job), flags.job);
#else
  throw UsageError(flags.job +
                   ": this program was built without yaml-cpp, which reads jobs: install libyaml-cpp-dev "
                   "and configure with -DCOVEY_YAML=ON");
#endif
}

int compare_settings(const CompareFlags& flags) {
  const CompareJob job = job_of(flags);
  const std::vector<CompareRun> runs = plan_runs(job);
  if (flags.dry_run) {
    for (const CompareRun& run : runs) print("covey " + command_text(run.arguments) + "\n");
    return kExitOk;
  }
  fs::create_directories(flags.folder() / "runs");
  ProgressBar bar("comparing", !flags.quiet);
  std::vector<Json> outcomes;
  for (const CompareRun& run : runs) {
    check_interrupt();
    outcomes.push_back(outcome_of(flags.folder() / "runs" / (run.id + ".json"), run));
    bar.update(static_cast<double>(outcomes.size()) / static_cast<double>(runs.size()));
  }
  bar.clear();
  const std::vector<CompareResult> results = compare_results(runs, outcomes);
  write_reports(flags, job, runs, results);
  print(results_table(results));
  print(fmt::format("\n{}\n", (flags.folder() / "report.html").string()));
  bool failed = false;
  for (const CompareResult& result : results) failed = failed || result.failed > 0;
  return failed ? kExitFailed : kExitOk;
}

}  // namespace

CommandRun add_compare(CLI::App& parser) {
  auto flags = std::make_shared<CompareFlags>();
  parser.add_option("JOB", flags->job, "What to compare, in YAML")->required()->option_text("(required)");
  parser
      .add_option("-o,--output", flags->output,
                  "Folder of the results (default: the job's name, ending in .compare); runs that are there are not "
                  "repeated")
      ->option_text("DIR");
  parser.add_flag("--dry-run", flags->dry_run, "Only print the commands");
  parser.add_flag("-q,--quiet", flags->quiet, "No progress on standard error");
  return [flags] { return compare_settings(*flags); };
}

}  // namespace covey
