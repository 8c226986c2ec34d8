#include "cli/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "cli/suggestion.hpp"
#include "cli/units.hpp"

namespace covey {

namespace {

CLI::Validator between(double low, double high, const std::string& described) {
  return {[low, high, described](std::string& text) {
            double value = 0;
            const bool number = CLI::detail::lexical_cast(text, value);
            // Written so that NaN fails.
            if (number && value >= low && value <= high && std::isfinite(value)) return std::string();
            return fmt::format("'{}' is not {}", text, described);
          },
          ""};
}

template <class Whole>
CLI::Validator whole_between(Whole low, Whole high, const std::string& described) {
  return {[low, high, described](std::string& text) {
            Whole value = 0;
            const char* end = text.data() + text.size();
            const auto [stop, failure] = std::from_chars(text.data(), end, value);
            if (failure == std::errc() && stop == end && value >= low && value <= high) return std::string();
            return fmt::format("'{}' is not {}", text, described);
          },
          ""};
}

}  // namespace

CLI::Validator in_range(double low, double high) {
  return between(low, high, fmt::format("a number from {} to {}", low, high));
}

CLI::Validator at_least(double low) {
  return between(low, std::numeric_limits<double>::max(), fmt::format("a number of at least {}", low));
}

CLI::Validator whole_in_range(std::int64_t low, std::int64_t high) {
  return whole_between(low, high, fmt::format("a whole number from {} to {}", low, high));
}

CLI::Validator whole_at_least(std::uint64_t low) {
  return whole_between(low, std::numeric_limits<std::uint64_t>::max(),
                       fmt::format("a whole number of at least {}", low));
}

CLI::Validator size_in_bytes() {
  return {[](std::string& text) {
            const auto bytes = parse_bytes(text);
            if (!bytes) return fmt::format("'{}' is no size: write 500M, 2G or 4GiB", text);
            text = std::to_string(*bytes);
            return std::string();
          },
          ""};
}

CLI::Validator one_of(std::vector<std::string> choices) {
  return {[choices = std::move(choices)](std::string& text) {
            if (std::find(choices.begin(), choices.end(), text) != choices.end()) return std::string();
            return fmt::format("'{}' is unknown: choose {}", text, joined(choices));
          },
          ""};
}

}  // namespace covey
