#include "cli/launch_status.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "mpi/machine_usage.hpp"

namespace covey {

namespace {

void tell_line(const std::string& line) noexcept {
  const char* const path = std::getenv(kStatusVariable);
  if (path == nullptr) return;
  const int file = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(file, line.data(), line.size());
  ::close(file);
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

void read_status_line(std::string_view line, std::string_view this_host, LaunchStatus& status) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  const std::string_view rest = line.substr(std::min(space + 1, line.size()));
  if (word == "lost") status.lost = std::string(rest);
  if (word == "ended") status.code = whole_number(rest);
  if (word != "started") return;
  status.started = true;
  const std::size_t end = std::min(rest.find(' '), rest.size());
  if (rest.substr(0, end) == this_host) {
    status.process = whole_number(rest.substr(std::min(end + 1, rest.size()))).value_or(0);
  }
}

}  // namespace

void tell_launcher_started() noexcept {
  try {
    tell_line("started " + host_name() + ' ' + std::to_string(::getpid()) + '\n');
  } catch (const std::exception&) {
    // It will wait in vain, and say so.
  }
}

void tell_launcher_lost(std::string_view why) noexcept {
  try {
    std::string line = "lost " + std::string(why);
    std::ranges::replace(line, '\n', ' ');
    tell_line(line + '\n');
  } catch (const std::exception&) {
  }
}

void tell_launcher_ended(int code) noexcept {
  try {
    tell_line("ended " + std::to_string(code) + '\n');
  } catch (const std::exception&) {
  }
}

LaunchStatus parse_status(std::string_view text, std::string_view this_host) {
  LaunchStatus status;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;  // being written
    read_status_line(text.substr(0, end), this_host, status);
    text.remove_prefix(end + 1);
  }
  return status;
}

}  // namespace covey
