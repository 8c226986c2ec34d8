// What `covey compare` is asked to compare, as a file in YAML says it. docs/comparison.md has an example.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

/// A model or mode by the name under which it is shown.
struct CompareChoice {
  std::string name;
  std::string value;                 ///< the model's path, or the mode
  std::vector<std::string> options;  ///< flags of `covey run` or `covey eval`, added to the job's
};

struct CompareJob {
  std::string title = "Comparison";
  std::vector<CompareChoice> models, modes;
  std::vector<std::int32_t> ranks = {1};
  std::vector<std::string> links = {""};  ///< empty: the real network alone
  std::vector<std::string> prompts;       ///< or
  std::vector<std::string> questions;     ///< files of `covey eval`
  std::int32_t repetitions = 1;
  std::vector<std::uint64_t> seeds = {0};
  std::vector<std::string> options;
};

/// Throws Error naming `name`, the line and what is wrong there: unknown keys too.
CompareJob parse_compare_job(std::string_view yaml, const std::string& name);

}  // namespace covey
