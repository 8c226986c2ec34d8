#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstddef>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/job.hpp"
#include "cli/job_flags.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "model/evaluate.hpp"

namespace covey {

namespace {

struct LogitsFlags {
  JobFlags job;
  std::vector<Token> tokens;
  bool json = false;
};

// Nine significant digits name every float exactly.
void append_row(std::string& out, std::span<const float> row, bool json) {
  const char* between = json ? "," : " ";
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += between;
    if (json && !std::isfinite(row[i])) {
      out += "null";
    } else {
      fmt::format_to(std::back_inserter(out), "{:.9g}", row[i]);
    }
  }
}

void check(const LogitsFlags& flags, const RunnerLimits& limits) {
  for (const Token token : flags.tokens) {
    if (token < 0 || token >= limits.n_vocab) {
      throw Error(fmt::format("--tokens: {} is outside the vocabulary of {} tokens", token, limits.n_vocab));
    }
  }
}

// Rows are printed as they come, so that those of a long sequence and a large vocabulary are never held together.
void print_logits(const LogitsFlags& flags, Session& session) {
  Runner& runner = session.runner();
  check(flags, runner.limits());
  const auto n_vocab = static_cast<std::size_t>(runner.limits().n_vocab);
  if (flags.json)
    print(fmt::format("{{\"n_vocab\":{},\"tokens\":[{}],\"logits\":[", n_vocab, fmt::join(flags.tokens, ",")));
  evaluate(runner, flags.tokens, 0, [&](std::int32_t first, std::span<const float> rows) {
    check_interrupt();
    std::string out;
    for (std::size_t begin = 0; begin < rows.size(); begin += n_vocab) {
      if (flags.json) out += first == 0 && begin == 0 ? "[" : ",\n[";
      append_row(out, rows.subspan(begin, n_vocab), flags.json);
      out += flags.json ? "]" : "\n";
    }
    print(out);
  });
  if (flags.json) print("]}\n");
  session.close();
}

}  // namespace

CommandRun add_logits(CLI::App& parser) {
  auto flags = std::make_shared<LogitsFlags>();
  add_job_flags(parser, flags->job);
  parser.add_option("--tokens", flags->tokens, "Token ids, as 1,2,3; evaluated as they are, no BOS is added")
      ->required()
      ->check(at_least(0))
      ->delimiter(',')
      ->option_text("IDS (required)");
  parser.add_flag("--json", flags->json, "One object with \"n_vocab\", \"tokens\" and \"logits\", a list of rows");
  return [flags] {
    run_job(flags->job, [&](Session& session) { print_logits(*flags, session); });
    return int{kExitOk};
  };
}

}  // namespace covey
