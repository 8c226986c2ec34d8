// Lines of standard input as they are: from a pipe or a file, and from a terminal where there is no line editing.
#pragma once

#include <string>

#include "cli/message_reader.hpp"

namespace covey {

class PlainLines final : public LineSource {
 public:
  /// `prompts`: printed before each line, for somebody at a terminal, where Ctrl-C drops the line.
  explicit PlainLines(bool prompts) : prompts_(prompts) {}

  std::optional<Line> next(bool continues) override;

 private:
  void read_more();

  bool prompts_;
  bool ended_ = false;
  std::string held_;  // read already
};

/// What stands before a message's first line, and before its others.
inline constexpr const char* kChatPrompt = ">>> ";
inline constexpr const char* kContinuationPrompt = "... ";

/// What somebody learns who presses Ctrl-C while nothing is being answered.
inline constexpr const char* kHowToLeave = "(/exit or Ctrl-D leaves)";

}  // namespace covey
