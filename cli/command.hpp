// The commands of the program, as data.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "covey/error.hpp"

namespace covey {

/// What the program returns to its caller.
enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitInterrupted = 130 };

/// A command line that can't be carried out as written.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Carries a command out once its options are parsed; returns the exit code.
using CommandRun = std::function<int()>;

struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view examples;  ///< lines shown at the end of the command's help
  /// Adds the command's options to its parser. The result owns the parsed values.
  CommandRun (*add)(CLI::App& parser);
  /// Under mpirun all ranks take part; other commands are carried out by the first rank alone.
  bool all_ranks = false;
};

CommandRun add_run(CLI::App& parser);
CommandRun add_launch(CLI::App& parser);
CommandRun add_chat(CLI::App& parser);
CommandRun add_doctor(CLI::App& parser);
CommandRun add_info(CLI::App& parser);
CommandRun add_tokenize(CLI::App& parser);
CommandRun add_perplexity(CLI::App& parser);
CommandRun add_logits(CLI::App& parser);
CommandRun add_eval(CLI::App& parser);
CommandRun add_compare(CLI::App& parser);
CommandRun add_bench(CLI::App& parser);
CommandRun add_devices(CLI::App& parser);
CommandRun add_quantize(CLI::App& parser);
CommandRun add_convert(CLI::App& parser);
CommandRun add_split(CLI::App& parser);
CommandRun add_merge(CLI::App& parser);
CommandRun add_synth(CLI::App& parser);
CommandRun add_table(CLI::App& parser);
CommandRun add_version(CLI::App& parser);

std::span<const Command> commands();

}  // namespace covey
