// Checks of option values whose messages say what is allowed.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace covey {

/// A finite number from `low` to `high`, both included.
CLI::Validator in_range(double low, double high);

/// A finite number of at least `low`.
CLI::Validator at_least(double low);

/// A whole number from `low` to `high`, both included.
CLI::Validator whole_in_range(std::int64_t low, std::int64_t high);

/// A whole number of at least `low`, up to the largest of 64 bits without a sign.
CLI::Validator whole_at_least(std::uint64_t low);

/// A size like 500M, 2G or 4GiB, which becomes its number of bytes: for transform().
CLI::Validator size_in_bytes();

/// One of `choices`.
CLI::Validator one_of(std::vector<std::string> choices);

}  // namespace covey
