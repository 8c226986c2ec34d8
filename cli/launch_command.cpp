// Starts ranks so that those that are left can go on when one is lost, and says truly how it ended.
//
// mpirun needs to be told to spare the survivors; its exit status is then 0 whatever happened, it never ends by itself
// when a whole host is gone or a rank is stopped, and nothing limits the time that ranks wait in MPI_Init for one that
// has died there. So rank 0 leaves its status in a file, and this program ends mpirun when there is nothing to wait
// for.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/launch_status.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/text_files.hpp"
#include "mpi/launch.hpp"
#include "mpi/machine_usage.hpp"

namespace covey {

namespace {

using Instant = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::chrono::seconds kTimeToEnd{3};   // of mpirun, once rank 0 has ended, and again once it was told to
constexpr std::chrono::seconds kTimeToTell{3};  // of rank 0, when others say that it is lost
constexpr int kNotStarted = 127;

struct LaunchFlags {
  int ranks = 0;
  std::string hostfile;
  int start_timeout = 60;
  std::string mpirun_options;
  std::vector<std::string> command;
};

// The file that rank 0 writes, in a folder of its own.
class StatusFile {
 public:
  StatusFile() {
    std::string folder = (std::filesystem::temp_directory_path() / "covey-launch-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw Error(folder + " can't be made: " + std::strerror(errno));
    folder_ = folder;
    write_file(path(), "");
  }
  StatusFile(const StatusFile&) = delete;
  StatusFile& operator=(const StatusFile&) = delete;
  ~StatusFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string path() const { return (folder_ / "status").string(); }
  LaunchStatus read() const { return parse_status(read_file(path()), host_name()); }

 private:
  std::filesystem::path folder_;
};

std::vector<std::string> launcher_command(const LaunchFlags& flags) {
  std::vector<std::string> command = {"mpirun", "--enable-recovery",         "--bind-to", "none",
                                      "-np",    std::to_string(flags.ranks), "-x",        kStatusVariable};
  for (const char* parameter : {"async_mpi_finalize", "mpi_yield_when_idle"}) {
    for (const char* word : {"--mca", parameter, "1"}) command.emplace_back(word);
  }
  if (flags.hostfile.empty()) {
    command.emplace_back("--oversubscribe");
  } else {
    for (const std::string& word : {std::string("--hostfile"), flags.hostfile}) command.push_back(word);
  }
  if (::geteuid() == 0) command.emplace_back("--allow-run-as-root");
  for (std::size_t at = 0; at < flags.mpirun_options.size();) {
    const std::size_t end = std::min(flags.mpirun_options.find(' ', at), flags.mpirun_options.size());
    if (end > at) command.push_back(flags.mpirun_options.substr(at, end - at));
    at = end + 1;
  }
  command.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  command.insert(command.end(), flags.command.begin(), flags.command.end());
  return command;
}

class Launcher {
 public:
  explicit Launcher(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    process_ = ::fork();
    if (process_ < 0) throw Error(std::string("a process can't be started: ") + std::strerror(errno));
    if (process_ > 0) return;
    ::execvp(words[0], words.data());
    ::_exit(kNotStarted);
  }
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  ~Launcher() { end(); }

  /// Its exit code once it has ended; 128 + signal if one ended it.
  std::optional<int> code() {
    int status = 0;
    if (!code_ && ::waitpid(process_, &status, WNOHANG) == process_) {
      code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return code_;
  }

  /// Lets it end by itself, then tells it to, then makes it. Its daemons on other hosts end with it.
  void end() {
    for (const int signal : {0, SIGTERM, SIGKILL}) {
      if (!code() && signal != 0) ::kill(process_, signal);
      for (const Instant until = std::chrono::steady_clock::now() + kTimeToEnd;
           !code() && std::chrono::steady_clock::now() < until;) {
        std::this_thread::sleep_for(kLookEvery);
      }
    }
  }
  /// Without letting it end by itself.
  void end_now() {
    if (!code()) ::kill(process_, SIGTERM);
    end();
  }

 private:
  pid_t process_ = -1;
  std::optional<int> code_;
};

bool is_gone(int process) { return process != 0 && ::kill(process, 0) != 0 && errno == ESRCH; }

// Waits for the end; what there is to say about it but a code is thrown.
int watch(const LaunchFlags& flags, Launcher& mpirun, const StatusFile& file) {
  const auto start = std::chrono::steady_clock::now();
  const std::string first = "rank 0, the one that prints, is lost: ";
  std::optional<Instant> lost;
  for (;; std::this_thread::sleep_for(kLookEvery)) {
    const std::optional<int> ended = mpirun.code();
    LaunchStatus status = file.read();
    if (!status.code && is_gone(status.process)) {
      status = file.read();  // it may have ended just now
      if (!status.code) throw Error(first + "its process has ended (killed, or crashed)");
    }
    if (status.code) return *status.code;
    if (ended == kNotStarted) throw Error("mpirun can't be started: install Open MPI, on Debian openmpi-bin");
    if (ended && status.started) throw Error(first + "mpirun has ended without it");
    if (ended) throw Error(fmt::format("mpirun has ended with status {} before the ranks met: see above", *ended));
    const auto now = std::chrono::steady_clock::now();
    if (status.lost && !lost) lost = now;
    if (lost && now > *lost + kTimeToTell) throw Error(first + *status.lost);
    if (!status.started && now > start + std::chrono::seconds(flags.start_timeout)) {
      throw Error(
          fmt::format("the ranks have not met within {} s: one has died while MPI starts, a host can't be "
                      "reached, or rank 0 runs on a host that does not share this one's {} (list this host "
                      "first); raise --start-timeout if they are only slow",
                      flags.start_timeout, std::filesystem::temp_directory_path().string()));
    }
    if (interrupt_code() != 0) return interrupt_code();
  }
}

int launch(const LaunchFlags& flags) {
  if (launched_rank()) throw UsageError("launch starts mpirun, which has started this program already: leave it out");
  if (flags.command.empty()) throw UsageError("nothing to launch: write the command after --, as: -- run -m FILE …");
  const StatusFile file;
  ::setenv(kStatusVariable, file.path().c_str(), 1);
  Launcher mpirun(launcher_command(flags));
  try {
    const int code = watch(flags, mpirun, file);
    interrupt_code() != 0 ? mpirun.end_now() : mpirun.end();
    return code;
  } catch (...) {
    mpirun.end_now();
    throw;
  }
}

}  // namespace

CommandRun add_launch(CLI::App& parser) {
  auto flags = std::make_shared<LaunchFlags>();
  parser.add_option("-n,--np", flags->ranks, "Ranks to start")
      ->required()
      ->check(whole_in_range(1, 4096))
      ->option_text("N (required)");
  parser.add_option("--hostfile", flags->hostfile, "Hosts and their slots; the first should be this host")
      ->check(CLI::ExistingFile)
      ->option_text("FILE");
  parser
      .add_option("--start-timeout", flags->start_timeout,
                  "Seconds until all ranks must have started and met (default 60)")
      ->check(whole_in_range(1, 86400))
      ->option_text("S");
  parser.add_option("--mpirun", flags->mpirun_options, "More options for mpirun, in one word: '--map-by node'")
      ->option_text("OPTIONS");
  parser.add_option("command", flags->command, "After --: the command of each rank, as run -m model.gguf …")
      ->option_text("COMMAND …");
  return [flags] { return launch(*flags); };
}

}  // namespace covey
