#include "mpi/csv.hpp"

#include <utility>

#include "covey/error.hpp"

namespace covey {

namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row;
      row.line = line_;
      bool more = true;
      while (more) more = cell(row);
      const bool empty = row.cells.size() == 1 && row.cells.front().empty();
      if (!empty) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool ends_line() const { return at_ == text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n"; }

  // Reads a cell and what ends it. False if that ends the row.
  bool cell(CsvRow& row) {
    row.cells.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      quoted(row.cells.back(), row.line);
    } else {
      while (!ends_line() && text_[at_] != ',') row.cells.back() += text_[at_++];
    }
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      return true;
    }
    if (at_ < text_.size()) at_ += text_[at_] == '\r' ? 2 : 1;
    ++line_;
    return false;
  }

  void quoted(std::string& cell, std::int64_t first_line) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        cell += text_[at_];
      } else if (text_.substr(at_ + 1, 1) == "\"") {
        cell += '"';
        ++at_;
      } else {
        ++at_;
        if (!ends_line() && text_[at_] != ',') fail(line_, "text behind a closing quote");
        return;
      }
    }
    fail(first_line, "a quote that is not closed");
  }

  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw Error(name_ + ":" + std::to_string(line) + ": " + what);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& name) { return CsvReader(text, name).rows(); }

}  // namespace covey
