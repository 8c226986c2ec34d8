// What a user of `covey chat` can say to the program instead of the model, as data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace covey {

enum class SlashAction : std::uint8_t { help, exit, clear, drop, regen, system, save, load, stats };

struct SlashCommand {
  std::string_view name;      ///< "/save"
  std::string_view argument;  ///< "FILE"; empty: takes none; in brackets: may be left out
  std::string_view summary;
  SlashAction action;
};

std::span<const SlashCommand> slash_commands();

/// A message that a user has typed, understood.
struct SlashLine {
  std::optional<SlashAction> action;  ///< none: a message to the model, or wrong
  std::string text;                   ///< the command's argument; the message
  std::string wrong;                  ///< why it is neither
};

/// A text that begins with a slash is a command; with two of them a message that begins with one.
SlashLine read_slash_line(std::string_view text);

/// All commands, a line each, and how to type longer messages.
std::string slash_help();

}  // namespace covey
