#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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
  if (flags.tokens.size() > static_cast<std::size_t>(limits.n_ctx)) {
    throw Error(fmt::format("--tokens: {} tokens do not fit the context of {}: raise --ctx", flags.tokens.size(), limits.n_ctx));
  }
}

// Rows are printed piece by piece, so that a long sequence of a large vocabulary is never held whole.
void print_logits(const LogitsFlags& flags, Session& session) {
  Runner& runner = session.runner();
  const RunnerLimits limits = runner.limits();
  check(flags, limits);
  const auto n_vocab = static_cast<std::size_t>(limits.n_vocab);
  const auto piece = static_cast<std::size_t>(limits.max_tokens);
  if (flags.json) print(fmt::format("{{\"n_vocab\":{},\"tokens\":[{}],\"logits\":[", n_vocab, fmt::join(flags.tokens, ",")));
  Batch batch;
  for (std::size_t begin = 0; begin < flags.tokens.size(); begin += piece) {
    check_interrupt();
    const std::size_t end = std::min(flags.tokens.size(), begin + piece);
    batch.clear();
    batch.prompt = true;
    for (std::size_t t = begin; t < end; ++t) batch.tokens.push_back({.token = flags.tokens[t], .sequence = 0, .wants_logits = true});
    const std::span<const float> logits = runner.forward(batch);  // (end - begin, n_vocab)
    std::string rows;
    for (std::size_t t = begin; t < end; ++t) {
      if (flags.json) rows += t == 0 ? "[" : ",\n[";
      append_row(rows, logits.subspan((t - begin) * n_vocab, n_vocab), flags.json);
      rows += flags.json ? "]" : "\n";
    }
    print(rows);
  }
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
