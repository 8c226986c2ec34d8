#include "cli/slash_commands.hpp"

#include <array>
#include <vector>

#include "cli/suggestion.hpp"

namespace covey {

namespace {

constexpr std::array kSlashCommands = {
    SlashCommand{"/help", "", "show this", SlashAction::help},
    SlashCommand{"/exit", "", "leave, as Ctrl-D does; also /bye, /quit", SlashAction::exit},
    SlashCommand{"/clear", "", "forget the conversation, but not the system message", SlashAction::clear},
    SlashCommand{"/drop", "[N]", "forget the oldest turn, or the N oldest, to make room in the context",
                 SlashAction::drop},
    SlashCommand{"/regen", "", "answer the last message again, with another seed", SlashAction::regen},
    SlashCommand{"/system", "[TEXT]", "set the system message; without a text take it away", SlashAction::system},
    SlashCommand{"/save", "FILE", "write the conversation, as JSON messages", SlashAction::save},
    SlashCommand{"/load", "FILE", "go on with a conversation that was saved", SlashAction::load},
    SlashCommand{"/stats", "", "speed of the last answer, context used", SlashAction::stats},
};

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

const SlashCommand* find_slash_command(std::string_view name) {
  if (name == "/bye" || name == "/quit") name = "/exit";
  for (const SlashCommand& command : kSlashCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

SlashLine wrong_line(std::string why) { return {std::nullopt, "", std::move(why)}; }

SlashLine unknown_command(std::string_view name) {
  std::vector<std::string> names;
  for (const SlashCommand& command : kSlashCommands) names.emplace_back(command.name);
  const std::string guess = nearest(name, names);
  return wrong_line("unknown command " + std::string(name) +
                    (guess.empty() ? std::string() : ", did you mean " + guess + "?") +
                    " (/help lists them; a message that begins with a slash is typed with two)");
}

}  // namespace

std::span<const SlashCommand> slash_commands() { return kSlashCommands; }

SlashLine read_slash_line(std::string_view text) {
  if (text.starts_with("//")) return {std::nullopt, std::string(text.substr(1)), ""};
  if (!text.starts_with('/')) return {std::nullopt, std::string(text), ""};
  const std::size_t end = text.find_first_of(kBlanks);
  const std::string_view name = text.substr(0, end);
  const std::string_view argument = end == std::string_view::npos ? std::string_view() : trimmed(text.substr(end));
  const SlashCommand* command = find_slash_command(name);
  if (command == nullptr) return unknown_command(name);
  if (command->argument.empty() && !argument.empty()) return wrong_line(std::string(name) + " stands alone");
  if (!command->argument.empty() && command->argument.front() != '[' && argument.empty()) {
    return wrong_line(std::string(name) + " needs a " + std::string(command->argument));
  }
  return {command->action, std::string(argument), ""};
}

std::string slash_help() {
  std::string text;
  for (const SlashCommand& command : kSlashCommands) {
    std::string usage(command.name);
    if (!command.argument.empty()) usage += ' ' + std::string(command.argument);
    usage.resize(std::size_t{16}, ' ');
    text += "  " + usage + std::string(command.summary) + '\n';
  }
  return text +
         "A backslash at the end of a line, or \"\"\" before and after the text, make a message of many lines; so "
         "does\n"
         "pasting them. A message that begins with a slash is typed with two. Ctrl-C ends an answer.\n";
}

}  // namespace covey
