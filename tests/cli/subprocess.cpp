#include "tests/cli/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace covey {

namespace {

// A file without a name that holds `text`: unlike a pipe it never fills up.
int input_descriptor(const std::string& text) {
  std::string path = (std::filesystem::temp_directory_path() / "covey-input-XXXXXX").string();
  const int descriptor = ::mkstemp(path.data());
  ::unlink(path.c_str());
  if (::write(descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("disk full");
  ::lseek(descriptor, 0, SEEK_SET);
  return descriptor;
}

[[noreturn]] void become(const std::vector<std::string>& command, const RunOptions& options) {
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

// /proc/<process>/stat from its third field on: "pid (name) state parent …", where the name may hold anything.
std::string stat_after_name(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t end = stat.rfind(") ");
  return end == std::string::npos ? std::string() : stat.substr(end + 2);
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Subprocess::Subprocess(const std::vector<std::string>& command, const RunOptions& options) {
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const int in = input_descriptor(options.input);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in, STDIN_FILENO);
    ::dup2(options.out_path.empty() ? out[1] : ::open(options.out_path.c_str(), O_WRONLY), STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    become(command, options);
  }
  ::close(in);
  ::close(out[1]);
  ::close(err[1]);
  streams_[0] = out[0];
  streams_[1] = err[0];
}

Subprocess::~Subprocess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int stream : streams_) {
    if (stream >= 0) ::close(stream);
  }
}

bool Subprocess::read_some(Instant deadline) {
  std::array<pollfd, 2> polled = {pollfd{streams_[0], POLLIN, 0}, pollfd{streams_[1], POLLIN, 0}};
  if (streams_[0] < 0 && streams_[1] < 0) return false;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0 || ::poll(polled.data(), 2, static_cast<int>(left.count())) <= 0) return false;
  for (std::size_t s = 0; s < 2; ++s) {
    if (polled[s].revents == 0) continue;
    std::array<char, 4096> piece;
    const ssize_t got = ::read(streams_[s], piece.data(), piece.size());
    if (got > 0) {
      (s == 0 ? finished_.out : finished_.err).append(piece.data(), static_cast<std::size_t>(got));
    } else {
      ::close(streams_[s]);
      streams_[s] = -1;
    }
  }
  return true;
}

bool Subprocess::wait_for_output(std::string_view text, std::chrono::seconds limit) {
  const Instant deadline = std::chrono::steady_clock::now() + limit;
  while (finished_.out.find(text) == std::string::npos) {
    if (!read_some(deadline)) return false;
  }
  return true;
}

void Subprocess::close_output() {
  if (streams_[0] >= 0) ::close(streams_[0]);
  streams_[0] = -1;
}

Finished Subprocess::wait(std::chrono::seconds limit) {
  const Instant deadline = std::chrono::steady_clock::now() + limit;
  while (read_some(deadline)) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      finished_.timed_out = true;
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pid_ = -1;
  finished_.code = exit_code(status);
  return finished_;
}

Finished run(const std::vector<std::string>& command, const RunOptions& options) {
  Subprocess process(command, options);
  return process.wait(options.limit);
}

double cpu_seconds(pid_t process) {
  // Fields 14 and 15 of the file, the first after the name being the third.
  std::istringstream fields(stat_after_name(process));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::istringstream fields(stat_after_name(std::stoi(name)));
    std::string state;
    pid_t its_parent = 0;
    if (fields >> state >> its_parent && its_parent == parent) children.push_back(std::stoi(name));
  }
  std::sort(children.begin(), children.end());
  return children;
}

}  // namespace covey
