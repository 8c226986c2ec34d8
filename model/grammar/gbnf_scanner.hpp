// The characters of a grammar text, and where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace covey::grammar {

class GbnfScanner {
 public:
  /// Both must outlive the object.
  GbnfScanner(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::size_t place() const { return at_; }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_space();  ///< newlines and comments too
  bool take(char c);
  bool take(std::string_view word);
  bool at_name() const { return is_name(peek()); }
  bool at_definition() const;  ///< name ::=
  std::string name();
  std::uint32_t number();

  /// One character of a literal or a class, escapes understood. Throws Error if it is none.
  char32_t character();

  /// Line and column count from 1, the column in characters.
  [[noreturn]] void fail(std::size_t place, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const { fail(at_, what); }

 private:
  static bool is_name(char c);
  char32_t escape();
  char32_t hexadecimal(std::size_t begin, std::size_t digits);

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace covey::grammar
