#include <charconv>
#include <cstdint>

#include "covey/error.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/dict.hpp"
#include "model/jinja/json.hpp"

namespace covey::jinja {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Value run() {
    Value read = value();
    skip_spaces();
    if (at_ < text_.size()) fail("the text goes on after the value");
    return read;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(name_ + ": no JSON: " + what + ", at byte " + std::to_string(at_));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') ++at_;
  }
  bool take(char c) {
    skip_spaces();
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Value value() {
    skip_spaces();
    if (depth_ == kMaxValueDepth) fail("it nests too deep");
    switch (peek()) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return string();
      default:
        break;
    }
    if (take_word("true")) return true;
    if (take_word("false")) return false;
    if (take_word("null")) return None{};
    return number();
  }

  Value object() {
    ++at_, ++depth_;
    Dict dict;
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) fail("',' or '}' is missing");
      skip_spaces();
      if (peek() != '"') fail("a key in double quotes is missing");
      const Value key(string());
      if (!take(':')) fail("':' is missing");
      dict.set(key, value());
    }
    --depth_;
    return dict;
  }

  Value array() {
    ++at_, ++depth_;
    std::vector<Value> items;
    while (!take(']')) {
      if (!items.empty() && !take(',')) fail("',' or ']' is missing");
      items.push_back(value());
    }
    --depth_;
    return items;
  }

  std::string string() {
    ++at_;
    std::string read;
    for (; peek() != '"'; ++at_) {
      if (at_ >= text_.size() || static_cast<unsigned char>(peek()) < 0x20) fail("a string isn't closed");
      if (peek() != '\\') {
        read += peek();
        continue;
      }
      ++at_;
      escape(read);
    }
    ++at_;
    return read;
  }

  /// Stands on the letter, and stays on the last character of the escape.
  void escape(std::string& to) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t at = at_ < text_.size() ? kLetters.find(peek()) : std::string_view::npos;
    if (at != std::string_view::npos) {
      to += kMeanings[at];
      return;
    }
    if (peek() != 'u') fail("a string has an unknown escape");
    char32_t code = hex();
    // Characters beyond 16 bits are two numbers.
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_ + 1).starts_with("\\u")) {
      const std::size_t before = at_;
      at_ += 2;
      const char32_t low = hex();
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      } else {
        at_ = before;
      }
    }
    append_character(to, code);
  }

  char32_t hex() {
    const std::string_view digits = text_.substr(at_ + 1, 4);
    unsigned code = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || read.ptr != digits.data() + 4) fail("\\u needs 4 hexadecimal digits");
    at_ += 4;
    return code;
  }

  Value number() {
    const std::size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    const std::string_view digits = text_.substr(at_, end - at_);
    const char* last = digits.data() + digits.size();
    std::int64_t whole = 0;
    double real = 0;
    const auto read_whole = std::from_chars(digits.data(), last, whole);
    const bool is_whole = !digits.empty() && read_whole.ptr == last && read_whole.ec == std::errc();
    if (!is_whole) {
      const auto read = std::from_chars(digits.data(), last, real);
      if (digits.empty() || read.ptr != last || read.ec != std::errc()) fail("a value is missing");
    }
    at_ = end;
    return is_whole ? Value(whole) : Value(real);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Value parse_json(std::string_view text, const std::string& name) { return Reader(text, name).run(); }

}  // namespace covey::jinja
