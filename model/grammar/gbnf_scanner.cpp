#include "model/grammar/gbnf_scanner.hpp"

#include <algorithm>
#include <charconv>

#include "covey/error.hpp"
#include "model/grammar/code_set.hpp"
#include "model/grammar/expression.hpp"
#include "model/jinja/characters.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::grammar {

void GbnfScanner::fail(std::size_t place, const std::string& what) const {
  const std::string_view before = text_.substr(0, place);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t column = jinja::character_count(before.substr(line_begin)) + 1;
  throw Error(name_ + ": line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what);
}

bool GbnfScanner::is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void GbnfScanner::skip_space() {
  for (; !at_end(); ++at_) {
    if (peek() == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_end()) return;
    } else if (peek() != ' ' && peek() != '\t' && peek() != '\n' && peek() != '\r') {
      return;
    }
  }
}

bool GbnfScanner::take(char c) {
  if (at_end() || peek() != c) return false;
  ++at_;
  return true;
}

bool GbnfScanner::take(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

std::string GbnfScanner::name() {
  const std::size_t begin = at_;
  while (at_name()) ++at_;
  return std::string(text_.substr(begin, at_ - begin));
}

bool GbnfScanner::at_definition() const {
  GbnfScanner ahead = *this;
  if (ahead.name().empty()) return false;
  ahead.skip_space();
  return ahead.take("::=");
}

std::uint32_t GbnfScanner::number() {
  const std::size_t begin = at_;
  while (peek() >= '0' && peek() <= '9') ++at_;
  if (at_ == begin) fail("a number is missing: write {3}, {3,} or {3,5}");
  std::uint32_t value = 0;
  const auto read = std::from_chars(text_.data() + begin, text_.data() + at_, value);
  if (read.ec != std::errc() || value > kMostRepetitions) {
    fail(begin, "too many repetitions: at most " + std::to_string(kMostRepetitions));
  }
  return value;
}

char32_t GbnfScanner::character() {
  if (at_end()) fail("the text ends inside quotes or brackets");
  if (peek() == '\\') return escape();
  const Utf8Step step = utf8_step(text_.substr(at_));
  if (step.state != Utf8State::complete) fail("this is no UTF-8: save the grammar as UTF-8");
  const char32_t code = jinja::code_point(text_.substr(at_, step.length));
  at_ += step.length;
  return code;
}

char32_t GbnfScanner::escape() {
  static constexpr std::string_view kLetters = "nrt\\\"[]-^";
  static constexpr std::string_view kMeanings = "\n\r\t\\\"[]-^";
  const std::size_t begin = at_++;
  const std::size_t known = at_end() ? std::string_view::npos : kLetters.find(peek());
  if (known != std::string_view::npos) {
    ++at_;
    return static_cast<char32_t>(kMeanings[known]);
  }
  if (take('x')) return hexadecimal(begin, 2);
  if (take('u')) return hexadecimal(begin, 4);
  if (take('U')) return hexadecimal(begin, 8);
  fail(begin, R"(an unknown escape: there are \n, \r, \t, \\, \", \[, \], \-, \^, \xHH, \uHHHH and \UHHHHHHHH)");
}

char32_t GbnfScanner::hexadecimal(std::size_t begin, std::size_t digits) {
  const std::string_view written = text_.substr(at_, digits);
  std::uint32_t code = 0;
  const auto read = std::from_chars(written.data(), written.data() + written.size(), code, 16);
  if (written.size() != digits || read.ptr != written.data() + digits) {
    fail(begin, "the escape needs " + std::to_string(digits) + " hexadecimal digits");
  }
  if (!all_codes().contains(code)) fail(begin, "no character has this number");
  at_ += digits;
  return code;
}

}  // namespace covey::grammar
