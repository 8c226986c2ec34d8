// A comparison as one page that needs nothing else: table, plots, commands.
#pragma once

#include <string>
#include <vector>

#include "cli/compare_results.hpp"

namespace covey {

struct ComparePage {
  std::string title;
  std::vector<std::pair<std::string, std::string>> machine;  ///< what it is, and its value
  std::vector<CompareResult> results;
  std::vector<std::string> commands;
};

std::string compare_html(const ComparePage& page);

}  // namespace covey
