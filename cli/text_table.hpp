// A table of text: columns as wide as they need to be, numbers to the right.
#pragma once

#include <string>
#include <vector>

namespace covey {

class TextTable {
 public:
  /// Headings; the first column is aligned to the left, all others to the right unless named in `left`.
  explicit TextTable(std::vector<std::string> headings, std::vector<std::size_t> left = {0});

  /// As many cells as there are headings.
  void add_row(std::vector<std::string> cells);

  std::string text() const;      ///< lines with two spaces between columns
  std::string markdown() const;  ///< a pipe table
  std::string csv() const;       ///< RFC 4180, but for lines that end as they do elsewhere

 private:
  bool is_left(std::size_t column) const;
  std::string padded(const std::string& cell, std::size_t column) const;

  std::vector<std::string> headings_;
  std::vector<std::size_t> left_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace covey
