// Numbers for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace covey {

std::string format_bytes(std::uint64_t bytes);  ///< "1.05 MB" (powers of 1000)
std::string format_count(std::uint64_t count);  ///< "1.10 B", "260.0 K", "512"
std::string format_seconds(double seconds);     ///< "1.23 s", "4.56 ms", "7.8 us"
std::string format_rate(double per_second);     ///< "123.4", "7.89"

/// "500", "2.5G", "700 MB", "4GiB": nullopt unless it is a number above 0 with such a unit, at most 2^63 - 1 bytes.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace covey
