#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/job.hpp"
#include "cli/job_flags.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/report_json.hpp"
#include "cli/text_files.hpp"
#include "model/perplexity.hpp"

namespace covey {

namespace {

// Chunks of this many tokens unless -c says otherwise: what published values are measured with.
constexpr std::int32_t kUsualContext = 512;

struct PerplexityFlags {
  JobFlags job;
  std::string file;
  bool json = false;
  bool verbose = false;
};

std::string text_of(const PerplexityFlags& flags) {
  if (!flags.file.empty()) return read_file(flags.file);
  if (stdin_is_terminal()) throw UsageError("no text: give --file FILE, or text on standard input");
  return read_stdin();
}

void measure(const PerplexityFlags& flags, Session& session) {
  const Tokenizer& tokenizer = session.tokenizer();
  const std::vector<Token> tokens = tokenizer.encode(text_of(flags), {});
  // Each chunk begins with BOS if the vocabulary wants texts to.
  const bool wants_bos = !tokenizer.encode("", {}).empty();
  const std::optional<Token> bos = wants_bos ? tokenizer.bos() : std::nullopt;
  Runner& runner = session.runner();
  std::int32_t n_ctx = flags.job.job.stage.n_ctx;
  if (n_ctx == 0) n_ctx = std::min(kUsualContext, runner.limits().n_ctx);

  ProgressBar bar("evaluating", !flags.job.quiet);
  std::vector<double> running;
  const Perplexity result = measure_perplexity(runner, tokens, bos, n_ctx, [&](const Perplexity& so_far) {
    check_interrupt();
    running.push_back(so_far.value);
    if (flags.verbose) {
      bar.clear();
      print_error_stream(fmt::format("chunk {} of {}: {:.4f}\n", so_far.chunks, so_far.all_chunks, so_far.value));
    }
    bar.update(static_cast<double>(so_far.chunks) / so_far.all_chunks);
  });
  bar.clear();
  session.close();
  if (flags.json) {
    print(json_line({{"perplexity", result.value},
                     {"tokens", result.tokens},
                     {"chunks", result.chunks},
                     {"n_ctx", n_ctx},
                     {"running", running},
                     {"mode", flags.job.mode},
                     {"model", flags.job.job.model_path}}));
  } else {
    print(fmt::format("perplexity {:.4f} over {} tokens\n", result.value, result.tokens));
  }
}

}  // namespace

CommandRun add_perplexity(CLI::App& parser) {
  auto flags = std::make_shared<PerplexityFlags>();
  add_job_flags(parser, flags->job);
  parser.get_option("--ctx")->description("Tokens of a chunk, the second half of which is scored (default 512)");
  parser.add_option("-f,--file", flags->file, "Text to predict (default: standard input)")->option_text("FILE");
  parser.add_flag("--json", flags->json, "One JSON object, with the running value after each chunk");
  parser.add_flag("-v,--verbose", flags->verbose, "The running value after each chunk, on standard error");
  return [flags] {
    run_job(flags->job, [&](Session& session) { measure(*flags, session); });
    return int{kExitOk};
  };
}

}  // namespace covey
