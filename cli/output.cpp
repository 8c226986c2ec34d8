#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "covey/error.hpp"

namespace covey {

namespace {

// 0, or the errno of what went wrong.
int write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

bool colours_on_stderr() { return stderr_is_terminal() && colours_allowed(); }

}  // namespace

void print(std::string_view text) {
  const int failure = write_all(STDOUT_FILENO, text);
  if (failure == EPIPE) throw OutputClosed();
  if (failure != 0) throw Error("standard output can't be written: " + std::string(std::strerror(failure)));
}

void print_error_stream(std::string_view text) noexcept { static_cast<void>(write_all(STDERR_FILENO, text)); }

void print_note(std::string_view note) noexcept {
  const bool colour = colours_on_stderr();
  std::string line(colour ? "\x1b[2m" : "");
  line.append(note).append(colour ? "\x1b[0m\n" : "\n");
  print_error_stream(line);
}

void print_error(std::string_view message) noexcept {
  const bool colour = colours_on_stderr();
  // One write, so that lines of several ranks don't interleave.
  std::string line(colour ? "\x1b[1;31merror:\x1b[0m " : "error: ");
  line.append(message).append("\n");
  print_error_stream(line);
}

bool colours_allowed() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color == nullptr || *no_color == '\0';
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

}  // namespace covey
