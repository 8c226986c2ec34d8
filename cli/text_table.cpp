#include "cli/text_table.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace covey {

namespace {

// Columns a cell takes on a terminal: bytes that continue a UTF-8 character take none.
std::size_t columns_of(const std::string& cell) {
  return static_cast<std::size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Quoted where it holds what separates.
std::string csv_cell(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

TextTable::TextTable(std::vector<std::string> headings, std::vector<std::size_t> left)
    : headings_(std::move(headings)), left_(std::move(left)) {
  for (const std::string& heading : headings_) widths_.push_back(columns_of(heading));
}

void TextTable::add_row(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  for (std::size_t c = 0; c < cells.size(); ++c) widths_[c] = std::max(widths_[c], columns_of(cells[c]));
  rows_.push_back(std::move(cells));
}

bool TextTable::is_left(std::size_t column) const {
  return std::find(left_.begin(), left_.end(), column) != left_.end();
}

std::string TextTable::padded(const std::string& cell, std::size_t column) const {
  const std::string space(widths_[column] - columns_of(cell), ' ');
  return is_left(column) ? cell + space : space + cell;
}

std::string TextTable::text() const {
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) line += (c == 0 ? "" : "  ") + padded(cells[c], c);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line(headings_);
  for (const auto& row : rows_) add_line(row);
  return out;
}

std::string TextTable::markdown() const {
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    out += "|";
    for (std::size_t c = 0; c < cells.size(); ++c) out += " " + padded(cells[c], c) + " |";
    out += "\n";
  };
  add_line(headings_);
  out += "|";
  for (std::size_t c = 0; c < headings_.size(); ++c) {
    const std::string dashes(widths_[c] + 1, '-');
    out += is_left(c) ? dashes + "-|" : dashes + ":|";
  }
  out += "\n";
  for (const auto& row : rows_) add_line(row);
  return out;
}

std::string TextTable::csv() const {
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    for (std::size_t c = 0; c < cells.size(); ++c) out += (c == 0 ? "" : ",") + csv_cell(cells[c]);
    out += "\n";
  };
  add_line(headings_);
  for (const auto& row : rows_) add_line(row);
  return out;
}

}  // namespace covey
