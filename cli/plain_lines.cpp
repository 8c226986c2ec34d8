#include "cli/plain_lines.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "covey/error.hpp"

namespace covey {

namespace {

bool more_is_waiting() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0 && (input.revents & POLLIN) != 0;
}

}  // namespace

void PlainLines::read_more() {
  if (!wait_for_input()) {
    if (!prompts_ || !take_interrupt()) return check_interrupt();
    print("\n");
    print_note(kHowToLeave);
    return print(kChatPrompt);
  }
  std::array<char, 1 << 12> piece;
  const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
  if (got > 0) held_.append(piece.data(), static_cast<std::size_t>(got));
  if (got < 0 && errno != EINTR) throw Error(std::string("standard input can't be read: ") + std::strerror(errno));
  ended_ = got == 0;
}

std::optional<LineSource::Line> PlainLines::next(bool continues) {
  if (prompts_) print(continues ? kContinuationPrompt : kChatPrompt);
  std::size_t searched = 0;
  std::size_t end = held_.find('\n');
  while (end == std::string::npos && !ended_) {
    searched = held_.size();
    read_more();
    end = held_.find('\n', searched);
  }
  if (end == std::string::npos && held_.empty()) {
    if (prompts_) print("\n");
    return std::nullopt;
  }
  Line line{held_.substr(0, end), false};
  held_.erase(0, end == std::string::npos ? end : end + 1);
  if (line.text.ends_with('\r')) line.text.pop_back();
  line.followed = prompts_ && !ended_ && (!held_.empty() || more_is_waiting());
  return line;
}

}  // namespace covey
