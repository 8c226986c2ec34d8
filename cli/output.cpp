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

bool colours_on_stderr() {
  const char* no_color = std::getenv("NO_COLOR");
  return stderr_is_terminal() && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

void print(std::string_view text) {
  const int failure = write_all(STDOUT_FILENO, text);
  if (failure == EPIPE) throw OutputClosed();
  if (failure != 0) throw Error("standard output can't be written: " + std::string(std::strerror(failure)));
}

void print_error_stream(std::string_view text) noexcept { static_cast<void>(write_all(STDERR_FILENO, text)); }

void print_error(std::string_view message) noexcept {
  const bool colour = colours_on_stderr();
  // One write, so that lines of several ranks don't interleave.
  std::string line(colour ? "\x1b[1;31merror:\x1b[0m " : "error: ");
  line.append(message).append("\n");
  print_error_stream(line);
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

}  // namespace covey
