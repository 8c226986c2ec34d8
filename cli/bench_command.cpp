#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cli/bench_report.hpp"
#include "cli/bench_run.hpp"
#include "cli/command.hpp"
#include "cli/device_flags.hpp"
#include "cli/interrupt.hpp"
#include "cli/job_flags.hpp"
#include "cli/lora_flags.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/suggestion.hpp"
#include "cli/text_files.hpp"
#include "kernels/cpu/cores.hpp"
#include "kernels/device_profile.hpp"
#include "model/file_type.hpp"

namespace covey {

namespace {

struct BenchFlags {
  std::vector<std::string> models;
  std::vector<std::string> lora;
  BenchLists lists;
  std::vector<int> threads{available_cores()};
  std::vector<std::string> isas;
  std::string device = "cpu";
  int repetitions = 5;
  std::int32_t piece = 256;
  std::string kv = "auto";
  bool no_blas = false;
  bool no_repack = false;
  bool limits_only = false;
  double limit_seconds = 0.3;
  std::int64_t limit_mebibytes = 0;
  std::string format = "table";
  bool json = false;
  std::string save;
  bool quiet = false;
};

/// What is measured so far, and how much of all that is.
class Measurement {
 public:
  explicit Measurement(const BenchFlags& flags)
      : flags_(flags),
        tests_(bench_tests(flags.lists)),
        meter_(device_named(flags.device), static_cast<std::size_t>(flags.limit_mebibytes) << 20),
        bar_("measuring", !flags.quiet) {
    const std::size_t configurations = flags.isas.size() * flags.threads.size();
    steps_ = configurations;  // measuring the limits counts as much as a repetition
    if (!flags.limits_only) {
      steps_ += configurations * flags.models.size() * tests_.size() * static_cast<std::size_t>(flags.repetitions);
    }
  }

  const BenchReport& report() const { return report_; }

  void run() {
    for_each_configuration([&](const std::string& isa, int threads) {
      measure_limits(isa, threads, flags_.limit_seconds);
      step();
    });
    if (flags_.limits_only) return;
    for (const std::string& model : flags_.models) measure(model);
  }

 private:
  template <class Work>
  void for_each_configuration(const Work& work) {
    for (const std::string& isa : flags_.isas) {
      for (const int threads : flags_.threads) work(isa, threads);
    }
  }

  MachineLimits measure_limits(const std::string& isa, int threads, double seconds) {
    check_interrupt();
    CpuOptions cpu;
    cpu.threads = threads;
    if (!device_named(flags_.device)) cpu.isa = isa;
    const MachineLimits limits = meter_.measure(cpu, seconds);
    report_.note(isa, threads, limits);
    return limits;
  }

  void measure(const std::string& model) {
    const GgufFile file = GgufFile::open(model);
    for_each_configuration([&](const std::string& isa, int threads) { measure(file, isa, threads); });
  }

  void measure(const GgufFile& file, const std::string& isa, int threads) {
    Stage stage(file, options(isa, threads));
    BenchRun run(stage, check_interrupt);
    const RunnerLimits& limits = stage.limits();
    for (const BenchTest& test : tests_) {
      BenchResult result = {.model = label_of(file),
                            .format = weight_format(file),
                            .isa = isa,
                            .kv = flags_.kv,
                            .threads = threads,
                            .test = test,
                            .work = work_of(test, stage.work(), limits.max_tokens, limits.block_tokens),
                            .repetitions = {}};
      run.prepare(test);
      MachineLimits before = measure_limits(isa, threads, 0);
      for (int i = 0; i < flags_.repetitions; ++i) {
        const double seconds = run.repeat(test);
        const MachineLimits after = measure_limits(isa, threads, 0);
        result.repetitions.push_back({seconds, mean_of(before, after)});
        before = after;
        step();
      }
      report_.results.push_back(std::move(result));
    }
  }

  std::string label_of(const GgufFile& file) const {
    std::string label = std::filesystem::path(file.path()).filename().string();
    for (const std::string& lora : flags_.lora) label += " + " + std::filesystem::path(lora).filename().string();
    return label;
  }

  StageOptions options(const std::string& isa, int threads) const {
    constexpr std::int32_t kGenerousBlock = 256;  // the stage chooses its own, smaller
    StageOptions options;
    options.vulkan = device_named(flags_.device);
    if (!options.vulkan) options.cpu.isa = isa;
    options.cpu.threads = threads;
    options.cpu.blas = !flags_.no_blas;
    options.cpu.repack = !flags_.no_repack;
    options.kv = kv_choices().at(flags_.kv);
    options.lora = parse_loras(flags_.lora);
    options.max_tokens = flags_.piece;
    std::int64_t cache = 1;
    for (const BenchTest& test : tests_) {
      options.n_ctx = std::max(options.n_ctx, test.depth + test.tokens);
      if (test.sequences > flags_.piece) {
        throw UsageError(fmt::format("{} sequences need a --batch of as many tokens", test.sequences));
      }
      cache = std::max(cache, test.cache_tokens(kGenerousBlock));
    }
    if (cache > std::numeric_limits<std::int32_t>::max()) {
      throw UsageError(
          fmt::format("the tests need a KV cache of {} tokens: ask for less depth or smaller batches", cache));
    }
    options.kv_tokens = static_cast<std::int32_t>(cache);
    options.progress = [](double) { check_interrupt(); };
    return options;
  }

  void step() { bar_.update(static_cast<double>(++done_) / static_cast<double>(steps_)); }

  const BenchFlags& flags_;
  std::vector<BenchTest> tests_;
  DeviceMeter meter_;
  ProgressBar bar_;
  BenchReport report_;
  std::size_t steps_ = 0;
  std::size_t done_ = 0;
};

BenchFormat format_of(const BenchFlags& flags) {
  if (flags.json) return BenchFormat::json;
  const std::vector<std::string>& names = bench_format_names();
  return static_cast<BenchFormat>(std::ranges::find(names, flags.format) - names.begin());
}

int bench(BenchFlags flags) {
  if (!flags.limits_only && flags.models.empty())
    throw UsageError("--model is required, or --limits for the machine's alone");
  if (!flags.limits_only && bench_tests(flags.lists).empty())
    throw UsageError("no tests: --prefill and --decode are 0");
  if (device_named(flags.device)) {
    if (!flags.isas.empty() || flags.no_repack || flags.no_blas) {
      throw UsageError("--isa, --no-repack and --no-blas are for --device cpu");
    }
    flags.isas.push_back(flags.device);
    flags.threads = {1};
  }
  if (flags.isas.empty()) flags.isas.emplace_back(select_isa("").name);
  const auto measurement = std::make_unique<Measurement>(flags);
  try {
    measurement->run();
  } catch (const Interrupted&) {
    if (!measurement->report().limits.empty()) print(bench_text(measurement->report(), format_of(flags)));
    throw;
  }
  const std::string text = bench_text(measurement->report(), format_of(flags));
  print(text);
  if (!flags.save.empty()) write_file(flags.save, bench_text(measurement->report(), BenchFormat::json));
  return kExitOk;
}

template <class Number>
void add_list(CLI::App& parser, const char* name, std::vector<Number>& values, const char* meaning, std::int64_t low,
              std::int64_t high) {
  parser.add_option(name, values, meaning)
      ->check(whole_in_range(low, high))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("LIST");
}

void add_test_flags(CLI::App& parser, BenchFlags& flags) {
  constexpr std::int64_t kMostTokens = 1 << 20;
  add_list(parser, "-p,--prefill", flags.lists.prefill, "Prompts to evaluate, in tokens (default 256; 0: none)", 0,
           kMostTokens);
  add_list(parser, "-n,--decode", flags.lists.decode, "Tokens to generate (default 64; 0: none)", 0, kMostTokens);
  add_list(parser, "-b,--batch-sizes", flags.lists.batches,
           "Sequences generated together, which share one prompt of --depth tokens (default 1)", 1, 1024);
  add_list(parser, "-d,--depth", flags.lists.depths, "Tokens that are in the cache before (default 0)", 0, kMostTokens);
  parser.add_option("-r,--repetitions", flags.repetitions, "Times that each test is timed (default 5)")
      ->check(whole_in_range(1, 10000))
      ->option_text("N");
}

void add_device_flags(CLI::App& parser, BenchFlags& flags) {
  const char* group = "Device";
  add_device_flag(parser, flags.device, group);
  add_list(parser, "-t,--threads", flags.threads, "Numbers of threads (default: all cores)", 1, 1024);
  parser.get_option("--threads")->group(group);
  parser
      .add_option("--isa", flags.isas,
                  "Instruction sets: " + joined(isa_names()) + " (default: the best here, or $COVEY_ISA)")
      ->check(one_of(isa_names()))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("LIST")
      ->group(group);
  parser.add_option("--batch", flags.piece, "Most tokens in one forward pass (default 256)")
      ->check(whole_in_range(1, 65536))
      ->option_text("N")
      ->group(group);
  add_kv_flag(parser, flags.kv, group);
  parser.add_flag("--no-repack", flags.no_repack, "Read weights from the file at every use: no loading, slow")
      ->group(group);
  parser.add_flag("--no-blas", flags.no_blas, "Keep large products of float weights off OpenBLAS")->group(group);
}

void add_output_flags(CLI::App& parser, BenchFlags& flags) {
  const char* group = "Output";
  parser
      .add_option("--format", flags.format,
                  "How results are printed: " + joined(bench_format_names()) + " (default table)")
      ->check(one_of(bench_format_names()))
      ->option_text("NAME")
      ->group(group);
  parser.add_flag("--json", flags.json, "One JSON object, as --format json")->group(group);
  parser.add_option("--save", flags.save, "Write the JSON object to FILE as well")->option_text("FILE")->group(group);
  parser.add_flag("-q,--quiet", flags.quiet, "No progress on standard error")->group(group);
}

}  // namespace

CommandRun add_bench(CLI::App& parser) {
  auto flags = std::make_shared<BenchFlags>();
  parser.add_option("-m,--model", flags->models, "Models, GGUF files")->option_text("FILE...");
  add_lora_flag(parser, flags->lora);
  add_test_flags(parser, *flags);
  parser.add_flag("--limits", flags->limits_only, "Measure only what the machine can do at most");
  parser.add_option("--limit-time", flags->limit_seconds, "Time to spend on each of the limits at first (default 0.3)")
      ->check(in_range(0, 3600))
      ->option_text("SECONDS");
  parser
      .add_option("--limit-memory", flags->limit_mebibytes,
                  "Memory to read for the bandwidth (default: 4 last-level caches, 256 to 1024)")
      ->check(whole_in_range(1, 1 << 20))
      ->option_text("MIB");
  add_device_flags(parser, *flags);
  add_output_flags(parser, *flags);
  return [flags] { return bench(*flags); };
}

}  // namespace covey
