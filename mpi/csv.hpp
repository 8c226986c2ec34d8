// Comma-separated values. Source: RFC 4180; lines may end in LF alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

struct CsvRow {
  std::int64_t line = 0;  ///< of the text, from 1, on which it begins
  std::vector<std::string> cells;
};

/// All rows but empty lines. Throws Error starting with `name` and the line for a quote that is not closed, or text
/// behind one that is.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& name);

}  // namespace covey
