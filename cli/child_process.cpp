#include "cli/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/interrupt.hpp"
#include "covey/error.hpp"

namespace covey {

namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(std::string("a pipe can't be made: ") + std::strerror(errno));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(0);
    close(1);
  }
  void close(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

[[noreturn]] void become(const std::vector<std::string>& command, const Pipe& out, const Pipe& err) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out.ends[1], STDOUT_FILENO);
  ::dup2(err.ends[1], STDERR_FILENO);
  ::setpgid(0, 0);  // an interrupt from the terminal goes to us, who pass it on
  ::execvp(words[0], words.data());
  ::_exit(127);
}

// False at its end.
bool read_more(int file, std::string& text) {
  std::array<char, 1 << 16> piece;
  const ssize_t got = ::read(file, piece.data(), piece.size());
  if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

ChildEnd run_child(const std::vector<std::string>& command) {
  Pipe out;
  Pipe err;
  const pid_t child = ::fork();
  if (child < 0) throw Error(std::string("a process can't be started: ") + std::strerror(errno));
  if (child == 0) become(command, out, err);
  out.close(1);
  err.close(1);
  ChildEnd end;
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    std::array<pollfd, 2> files{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
    ::poll(files.data(), files.size(), 200);
    if (interrupt_code() != 0) {
      ::kill(-child, SIGTERM);
      wait_for(child);
      check_interrupt();
    }
    if (files[0].revents != 0 && !read_more(out.ends[0], end.out)) out.close(0);
    if (files[1].revents != 0 && !read_more(err.ends[0], end.err)) err.close(0);
  }
  end.code = wait_for(child);
  if (end.code == 127) throw Error(command.front() + " can't be started");
  return end;
}

}  // namespace covey
