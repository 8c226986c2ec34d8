// The runs of a comparison: every combination that makes sense, each a command line of its own.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "cli/compare_job.hpp"

namespace covey {

/// What is compared; repetitions, seeds and prompts of it are taken together.
struct CompareSetting {
  std::string model, mode, link;
  std::int32_t ranks = 1;
  bool operator==(const CompareSetting&) const = default;
  auto operator<=>(const CompareSetting&) const = default;
};

struct CompareRun {
  std::string id;  ///< of the command and its repetition: a name for files
  CompareSetting setting;
  std::vector<std::string> arguments;  ///< of the program
};

/// Ranks above 1 are left out in mode solo, and links where there is one rank.
std::vector<CompareRun> plan_runs(const CompareJob& job);

/// As a shell would read it.
std::string command_text(const std::vector<std::string>& command);

}  // namespace covey
