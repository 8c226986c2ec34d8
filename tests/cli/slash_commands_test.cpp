#include "cli/slash_commands.hpp"

#include <gtest/gtest.h>

#include <string>

namespace covey {
namespace {

TEST(SlashCommands, AreReadWithTheirArgument) {
  for (const SlashCommand& command : slash_commands()) {
    const std::string argument = command.argument.empty() ? "" : "  a b ";
    const SlashLine line = read_slash_line(std::string(command.name) + argument);
    EXPECT_EQ(line.action, command.action) << command.name;
    EXPECT_EQ(line.text, command.argument.empty() ? "" : "a b");
    EXPECT_EQ(line.wrong, "");
  }
  EXPECT_EQ(read_slash_line("/bye").action, SlashAction::exit);
  EXPECT_EQ(read_slash_line("/help ").action, SlashAction::help);
  EXPECT_EQ(read_slash_line("/system one\ntwo").text, "one\ntwo");
}

TEST(SlashCommands, ArgumentsAreThereOrNot) {
  EXPECT_EQ(read_slash_line("/save").wrong, "/save needs a FILE");
  EXPECT_EQ(read_slash_line("/clear all").wrong, "/clear stands alone");
  EXPECT_EQ(read_slash_line("/drop").action, SlashAction::drop);
  EXPECT_EQ(read_slash_line("/system").action, SlashAction::system);
}

TEST(SlashCommands, WhatIsNoneOfThemGetsASuggestion) {
  const SlashLine near = read_slash_line("/regem");
  EXPECT_FALSE(near.action);
  EXPECT_NE(near.wrong.find("did you mean /regen?"), std::string::npos) << near.wrong;
  const SlashLine far = read_slash_line("/home/me");
  EXPECT_FALSE(far.action);
  EXPECT_EQ(far.wrong.find("did you mean"), std::string::npos) << far.wrong;
  EXPECT_NE(far.wrong.find("/help"), std::string::npos) << far.wrong;
}

TEST(SlashCommands, MessagesStayWhatTheyAre) {
  EXPECT_EQ(read_slash_line("a /save b").text, "a /save b");
  EXPECT_EQ(read_slash_line("//etc").text, "/etc");
  EXPECT_FALSE(read_slash_line("//etc").action);
  EXPECT_EQ(read_slash_line("").text, "");
}

TEST(SlashCommands, HelpNamesThemAll) {
  for (const SlashCommand& command : slash_commands()) {
    EXPECT_NE(slash_help().find("  " + std::string(command.name) + " "), std::string::npos) << command.name;
  }
}

}  // namespace
}  // namespace covey
