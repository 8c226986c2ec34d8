#include "cli/program.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/launch_status.hpp"
#include "cli/output.hpp"
#include "cli/relaunch.hpp"
#include "cli/suggestion.hpp"
#include "cli/version.hpp"
#include "mpi/launch.hpp"
#include "mpi/mode.hpp"
#include "mpi/transport.hpp"

namespace covey {

namespace {

/// The parser of the whole command line, and what each command runs here.
struct Program {
  CLI::App app{"Runs small language models, on this machine alone or over many devices with mpirun."};
  std::map<const CLI::App*, CommandRun> runs;
};

bool is_first_rank() { return launched_rank().value_or(0) == 0; }

std::string footer() {
  std::string text = "How ranks work together (covey run --mode …):\n";
  for (const Mode& mode : modes()) text += fmt::format("  {:<13} {}\n", mode.name, mode.summary);
  text +=
      "\nExamples:\n"
      "  covey synth model.gguf                     write a random model to try things with\n"
      "  covey run -m model.gguf -p 'Hello' -n 50   generate text on this machine\n"
      "  covey run -m model.gguf -p 'Hello' --mode tensor --ranks 4 --stats\n"
      "  mpirun -np 4 --hostfile hosts covey run -m model.gguf -p 'Hello' --mode pipeline\n"
      "  covey launch -n 4 --hostfile hosts -- run -m model.gguf -p 'Hello' --mode pipeline\n"
      "\nmpirun refuses more ranks than cores unless told --oversubscribe, which --ranks does.\n"
      "'covey COMMAND --help' explains a command.";
  return text;
}

void build(Program& program) {
  CLI::App& app = program.app;
  app.name("covey");
  app.set_version_flag("--version", fmt::format("covey {}", COVEY_VERSION), "Print the version and exit");
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.footer(footer());
  for (const Command& command : commands()) {
    CLI::App* parser = app.add_subcommand(std::string(command.name), std::string(command.summary));
    parser->group("Commands");
    parser->footer("Examples:\n" + std::string(command.examples.substr(0, command.examples.size() - 1)));
    const CommandRun run = command.add(*parser);
    program.runs[parser] = is_first_rank() || command.all_ranks ? run : [] { return int{kExitOk}; };
  }
}

std::string help_of(const CLI::App& parser) {
  // CLI11 adds the parser's own name.
  std::string text = parser.help(parser.get_parent() == nullptr ? "" : "covey");
  // CLI11 leaves two empty lines between groups of options.
  for (std::size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n")) text.erase(at, 1);
  return text;
}

std::vector<std::string> option_names(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::Option* option : parser.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

// CLI11 says that something was not expected; we say what it might have been.
std::string unexpected(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& parser = chosen.empty() ? app : *chosen.front();
  const std::vector<std::string> extras = app.remaining(true);
  const std::string word = extras.empty() ? std::string() : extras.front();
  const bool is_option = word.size() > 1 && word.front() == '-';
  if (chosen.empty() && !is_option) {
    return fmt::format("unknown command '{}': choose {}", word, joined(command_names()));
  }
  if (!is_option) return fmt::format("unexpected argument '{}'", word);
  const std::string guess = nearest(word.substr(0, word.find('=')), option_names(parser));
  return fmt::format("unknown option '{}'{}", word, guess.empty() ? "" : fmt::format(", did you mean {}?", guess));
}

std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const std::string name = chosen.empty() ? "covey" : "covey " + chosen.front()->get_name();
  std::string message = error.what();
  if (error.get_name() == "ArgumentMismatch") message = message.substr(0, message.find(':')) + " needs a value";
  if (!app.remaining(true).empty() && error.get_name() != "ValidationError" && error.get_name() != "ConversionError") {
    message = unexpected(app);
  }
  return fmt::format("{}\n'{} --help' shows what there is", message, name);
}

int parse_and_run(Program& program, int argc, char** argv) {
  CLI::App& app = program.app;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    if (is_first_rank()) print(help_of(chosen.empty() ? app : *chosen.front()));
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    if (is_first_rank()) print(std::string(version.what()) + "\n");
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    throw UsageError(usage_message(app, error));
  }
  if (app.get_subcommands().empty()) {
    if (argc > 1) throw UsageError("no command: choose " + joined(command_names()));
    if (is_first_rank()) print(help_of(app));
    return kExitUsage;
  }
  const CLI::App* chosen = app.get_subcommands().front();
  const CLI::Option* ranks = chosen->get_option_no_throw("--ranks");
  if (ranks != nullptr && ranks->count() > 0) relaunch_over(ranks->as<int>(), argc, argv);
  return program.runs.at(chosen)();
}

}  // namespace

namespace {

int run_and_report(int argc, char** argv) noexcept {
  // Every rank reads the same command line and meets the same errors in it: one of them says so.
  const bool speaks = is_first_rank();
  try {
    ignore_closed_pipes();
    // Other ranks have no text to end: a signal may end them on the spot.
    if (speaks) watch_interrupts();
    Program program;
    build(program);
    return parse_and_run(program, argc, argv);
  } catch (const UsageError& error) {
    if (speaks) print_error(error.what());
    return kExitUsage;
  } catch (const OutputClosed&) {
    return kExitOk;
  } catch (const std::bad_alloc&) {
    print_error("out of memory: take a smaller model, --ctx or --batch");
    return kExitFailed;
  } catch (const PeerLost& loss) {
    if (speaks) print_error(loss.what());
    if (!speaks && loss.rank() == 0) tell_launcher_lost(loss.what());
    return kExitFailed;
  } catch (const std::exception& error) {
    if (interrupt_code() != 0) return interrupt_code();
    if (speaks) print_error(error.what());
    return kExitFailed;
  }
}

}  // namespace

int run_program(int argc, char** argv) noexcept {
  const int code = run_and_report(argc, argv);
  if (is_first_rank() && launched_rank()) tell_launcher_ended(code);
  return code;
}

}  // namespace covey
