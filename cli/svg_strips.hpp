// Rows of a name and a strip that is as wide as the page lets it be: bars, and time lines. Only the strips are SVG, so
// that texts keep their size and break their lines.
#pragma once

#include <string>
#include <vector>

#include "cli/report_json.hpp"

namespace covey {

/// `style` is a class of the page's style sheet.
struct BarPiece {
  std::string name, style;
  double length = 0;
};
struct BarRow {
  std::string name;
  std::string value;  ///< written beside the name
  std::vector<BarPiece> pieces;
};
/// A figure of bars, all to one scale; the pieces' names are its key if there are several. Empty without rows.
/// `unit_text` writes a piece's length.
std::string bar_figure(const std::string& title, const std::string& remark, const std::vector<BarRow>& rows,
                       std::string (*unit_text)(double));

/// A figure of the time lines of `ranks` (accounts with a "timeline"): of each moment, the part of it that a rank
/// computed, sent and waited. Empty if there is none.
std::string timeline_figure(const std::string& title, const Json& ranks);

}  // namespace covey
