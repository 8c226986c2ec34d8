#include "tests/cli/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace covey {

namespace {

constexpr int kPatienceMs = 60000;

[[noreturn]] void become_at(const char* terminal, const std::vector<std::string>& command) {
  ::setsid();
  const int opened = ::open(terminal, O_RDWR);
  ::ioctl(opened, TIOCSCTTY, 0);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(opened, stream);
  ::setenv("TERM", "xterm", 1);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

TerminalProcess::TerminalProcess(const std::vector<std::string>& command)
    : terminal_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  if (terminal_ < 0 || ::grantpt(terminal_) != 0 || ::unlockpt(terminal_) != 0) throw std::runtime_error("no terminal");
  const std::string name = ::ptsname(terminal_);
  pid_ = ::fork();
  if (pid_ == 0) become_at(name.c_str(), command);
}

TerminalProcess::~TerminalProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(terminal_);
}

bool TerminalProcess::read_some() {
  pollfd polled{terminal_, POLLIN, 0};
  if (::poll(&polled, 1, kPatienceMs) <= 0) return false;
  std::array<char, 4096> piece;
  const ssize_t got = ::read(terminal_, piece.data(), piece.size());
  if (got <= 0) return false;
  screen_.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

bool TerminalProcess::wait_for(std::string_view text) {
  std::size_t at = 0;
  while ((at = screen_.find(text, seen_)) == std::string::npos) {
    if (!read_some()) return false;
  }
  seen_ = at + text.size();
  return true;
}

void TerminalProcess::type(std::string_view keys) {
  if (::write(terminal_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error("the terminal takes no keys");
}

int TerminalProcess::wait() {
  while (read_some()) {
  }
  int status = 0;
  for (int waited = 0; ::waitpid(pid_, &status, WNOHANG) == 0; waited += 5) {
    if (waited > kPatienceMs) return -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace covey
