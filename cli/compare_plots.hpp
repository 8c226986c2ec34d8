// The figures of a comparison's page.
#pragma once

#include <string>
#include <vector>

#include "cli/compare_results.hpp"

namespace covey {

/// Accuracy, links, speed-up, traffic: those that there are values for.
std::string compare_plots(const std::vector<CompareResult>& results);
/// For each setting of several ranks: its time line, and where the time of each rank went in all.
std::string compare_times(const std::vector<CompareResult>& results);

}  // namespace covey
