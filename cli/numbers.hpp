// Checks of option values whose messages say what is allowed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace covey {

/// A finite number from `low` to `high`, both included.
CLI::Validator in_range(double low, double high);

/// A finite number of at least `low`.
CLI::Validator at_least(double low);

/// One of `choices`.
CLI::Validator one_of(std::vector<std::string> choices);

}  // namespace covey
