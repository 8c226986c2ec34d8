// The covey program as tests call it, and models to call it with.
#pragma once

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/subprocess.hpp"

namespace covey {

inline std::string test_data(const std::string& name) { return std::string(COVEY_TEST_DATA "/").append(name); }

/// A folder of this process's own, removed at its end.
inline std::string scratch(const std::string& name) {
  struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("covey-cli-tests-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder folder;
  return (folder.path / name).string();
}

inline Finished covey_run(std::vector<std::string> arguments, const RunOptions& options = {}) {
  arguments.insert(arguments.begin(), COVEY_PROGRAM);
  return run(arguments, options);
}

/// What mpirun needs to start any number of ranks for anybody. Open MPI keeps what it allocated to the end of the
/// process: not our leaks.
inline std::map<std::string, std::string> mpi_environment() {
  return {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
          {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
          {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
          {"ASAN_OPTIONS", "detect_leaks=0"}};
}

inline std::vector<std::string> mpirun_command(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"mpirun", "-np", std::to_string(ranks), COVEY_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

inline Finished mpirun(int ranks, const std::vector<std::string>& arguments, RunOptions options = {}) {
  options.environment.merge(mpi_environment());
  return run(mpirun_command(ranks, arguments), options);
}

inline nlohmann::json parsed(const std::string& text) { return nlohmann::json::parse(text, nullptr, false); }

inline int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace covey
