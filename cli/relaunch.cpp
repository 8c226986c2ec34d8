#include "cli/relaunch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "covey/error.hpp"
#include "mpi/launch.hpp"

namespace covey {

namespace {

std::vector<std::string> mpirun_command(int ranks, int argc, char** argv) {
  std::vector<std::string> command = {"mpirun", "--oversubscribe", "--bind-to", "none", "-np", std::to_string(ranks)};
  if (geteuid() == 0) command.emplace_back("--allow-run-as-root");
  command.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--ranks") {
      ++i;  // and its value
    } else if (!argument.starts_with("--ranks=")) {
      command.emplace_back(argument);
    }
  }
  return command;
}

}  // namespace

void relaunch_over(int ranks, int argc, char** argv) {
  if (launched_rank()) throw UsageError("--ranks starts mpirun, which has started this program already: leave it out");
  std::vector<std::string> command = mpirun_command(ranks, argc, argv);
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  throw Error(fmt::format("--ranks: mpirun can't be started ({}): install Open MPI, on Debian the package openmpi-bin",
                          std::strerror(errno)));
}

}  // namespace covey
