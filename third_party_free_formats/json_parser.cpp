#include <charconv>
#include <cmath>

#include "covey/error.hpp"
#include "third_party_free_formats/json_value.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

constexpr int kMostJsonDepth = 64;

class JsonParser {
 public:
  JsonParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  JsonValue run() {
    JsonValue read = value();
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
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  JsonValue value() {
    skip_spaces();
    if (depth_ == kMostJsonDepth) fail("it nests too deep");
    switch (peek()) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return JsonValue(string());
      default:
        break;
    }
    if (take_word("true")) return JsonValue(true);
    if (take_word("false")) return JsonValue(false);
    if (take_word("null")) return {};
    return number();
  }

  JsonValue object() {
    ++at_, ++depth_;
    JsonValue::Object members;
    while (!take('}')) {
      if (!members.empty() && !take(',')) fail("',' or '}' is missing");
      skip_spaces();
      if (peek() != '"') fail("a name in double quotes is missing");
      std::string key = string();
      if (!take(':')) fail("':' is missing");
      members.push_back({std::move(key), value()});
    }
    --depth_;
    return JsonValue(std::move(members));
  }

  JsonValue array() {
    ++at_, ++depth_;
    JsonValue::Array items;
    while (!take(']')) {
      if (!items.empty() && !take(',')) fail("',' or ']' is missing");
      items.push_back(value());
    }
    --depth_;
    return JsonValue(std::move(items));
  }

  std::string string() {
    ++at_;
    std::string read;
    while (true) {
      const std::size_t plain = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20) {
        ++at_;
      }
      read.append(text_.substr(plain, at_ - plain));
      if (take_word("\"")) return read;
      if (!take_word("\\")) fail("a string isn't closed");
      escape(read);
    }
  }

  void escape(std::string& to) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (take_word("u")) {
      to_character(to);
      return;
    }
    const std::size_t letter = at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
    if (letter == std::string_view::npos) fail("a string has an unknown escape");
    to += kMeanings[letter];
    ++at_;
  }

  void to_character(std::string& to) {
    std::uint32_t code = hex();
    // Characters beyond 16 bits are a pair of numbers.
    const std::size_t after = at_;
    if (code >= 0xD800 && code < 0xDC00 && take_word("\\u")) {
      const std::uint32_t low = hex();
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      } else {
        at_ = after;
      }
    }
    append_utf8(to, code);
  }

  std::uint32_t hex() {
    const std::string_view digits = text_.substr(at_, 4);
    std::uint32_t code = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || read.ptr != digits.data() + 4) fail("\\u needs 4 hexadecimal digits");
    at_ += 4;
    return code;
  }

  JsonValue number() {
    const std::size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    const std::string_view digits = text_.substr(at_, end - at_);
    const char* const last = digits.data() + digits.size();
    std::int64_t whole = 0;
    const auto read_whole = std::from_chars(digits.data(), last, whole);
    const bool is_whole = read_whole.ptr == last && read_whole.ec == std::errc();
    double real = 0;
    if (!is_whole) {
      const auto read = std::from_chars(digits.data(), last, real);
      if (digits.empty() || read.ptr != last || read.ec != std::errc()) fail("a value is missing");
    }
    at_ = end;
    return is_whole && !digits.empty() ? JsonValue(whole) : JsonValue(real);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

JsonValue parse_json_text(std::string_view text, const std::string& name) { return JsonParser(text, name).run(); }

}  // namespace covey
