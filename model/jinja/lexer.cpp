#include "model/jinja/lexer.hpp"

#include <algorithm>
#include <array>

#include "model/jinja/characters.hpp"
#include "model/jinja/string_literal.hpp"
#include "model/jinja/template_error.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

constexpr std::size_t kNone = std::string::npos;
constexpr std::size_t kLongestName = 500;

/// Line ends become \n, and one at the very end is dropped.
std::string normalized(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return begins_name(c) || is_digit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) outside();
    add(TokenType::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw TemplateError(line_, message); }

  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void advance(std::size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
  }
  void advance_to(std::size_t place) { advance(place - at_); }
  void skip_spaces() {
    while (at_ < source_.size() && is_space(code_point(rest().substr(0, 4)))) advance(utf8_step(rest()).length);
  }
  void add(TokenType type, std::string text) { tokens_.push_back({type, std::move(text), line_}); }

  void outside() {
    std::size_t tag = at_;
    do {
      tag = source_.find('{', tag);
    } while (tag != kNone && !is_tag(tag) && ++tag != kNone);
    if (tag == kNone) return add_text(source_.size());
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const bool block = kind == '%' || kind == '#';
    add_text(tag, sign == '-', block && sign != '+');
    const std::size_t opening = sign == '-' || (sign == '+' && block) ? 3 : 2;
    if (kind == '#') {
      comment(opening);
    } else if (kind == '%' && begins_raw(opening)) {
      raw(opening);
    } else if (kind == '%') {
      add(TokenType::block_begin, "");
      advance(opening);
      inside('%');
    } else {
      add(TokenType::variable_begin, "");
      advance(opening);
      inside('}');
    }
  }

  bool is_tag(std::size_t place) const {
    const char next = place + 1 < source_.size() ? source_[place + 1] : '\0';
    return next == '{' || next == '%' || next == '#';
  }

  /// The text up to `end`: without the spaces at its end if `strip`, without the indent of the tag that follows if
  /// `unindent`.
  void add_text(std::size_t end, bool strip = false, bool unindent = false) {
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    if (strip) {
      text = stripped(text, Side::right);
    } else if (unindent) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t begin = newline == kNone ? 0 : newline + 1;
      const bool at_line_start = newline != kNone || line_starts_;
      if (at_line_start && stripped(text.substr(begin), Side::both).empty()) text = text.substr(0, begin);
    }
    if (!text.empty()) add(TokenType::text, std::string(text));
    advance_to(end);
  }

  /// What follows the end of a tag at `at_`: "-" before it drops spaces, none of "+" and "-" one line end.
  void end_tag(char sign, bool trims_line = true) {
    const std::size_t begin = at_;
    advance(sign == '\0' ? 2 : 3);
    if (sign == '-') {
      skip_spaces();
    } else if (sign == '\0' && trims_line && peek() == '\n') {
      advance(1);
    }
    line_starts_ = at_ > begin && source_[at_ - 1] == '\n';
  }

  void comment(std::size_t opening) {
    const std::size_t end = source_.find("#}", at_ + opening);
    if (end == kNone) fail("a comment isn't closed: #} is missing");
    const char before = end > at_ + opening ? source_[end - 1] : '\0';
    const bool has_sign = before == '-' || before == '+';
    advance_to(has_sign ? end - 1 : end);
    end_tag(has_sign ? before : '\0');
  }

  /// Where the word `word`, spaces around it, ends after `from`; kNone if it isn't there.
  std::size_t after_word(std::size_t from, std::string_view word) const {
    const auto skip = [this](std::size_t place) {
      while (place < source_.size() && is_space(static_cast<unsigned char>(source_[place]))) ++place;
      return place;
    };
    from = skip(from);
    return source_.compare(from, word.size(), word) == 0 ? skip(from + word.size()) : kNone;
  }

  bool begins_raw(std::size_t opening) const {
    const std::size_t end = after_word(at_ + opening, "raw");
    return end != kNone && (source_.compare(end, 2, "%}") == 0 || source_.compare(end, 3, "-%}") == 0);
  }

  void raw(std::size_t opening) {
    advance_to(after_word(at_ + opening, "raw"));
    end_tag(peek() == '-' ? '-' : '\0', false);
    for (std::size_t tag = source_.find("{%", at_); tag != kNone; tag = source_.find("{%", tag + 2)) {
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      const bool has_sign = sign == '-' || sign == '+';
      const std::size_t end = after_word(tag + (has_sign ? 3 : 2), "endraw");
      if (end == kNone) continue;
      const bool end_sign = end < source_.size() && (source_[end] == '-' || source_[end] == '+');
      if (source_.compare(end_sign ? end + 1 : end, 2, "%}") != 0) continue;
      add_text(tag, sign == '-', sign != '+');
      advance_to(end);
      return end_tag(end_sign ? source_[end] : '\0');
    }
    fail("raw text isn't closed: {% endraw %} is missing");
  }

  /// The inside of a tag that ends with `closer` and }.
  void inside(char closer) {
    brackets_.clear();
    for (;;) {
      skip_spaces();
      if (at_ == source_.size()) fail(closer == '%' ? "a tag isn't closed: %} is missing" : "}} is missing");
      if (brackets_.empty()) {
        const char sign = peek() == '-' || (peek() == '+' && closer == '%') ? peek() : '\0';
        const std::size_t place = sign == '\0' ? 0 : 1;
        if (peek(place) == closer && peek(place + 1) == '}') {
          add(closer == '%' ? TokenType::block_end : TokenType::variable_end, "");
          return end_tag(sign, closer == '%');
        }
      }
      one_token();
    }
  }

  void one_token() {
    const char c = peek();
    if (is_digit(c)) {
      number();
    } else if (begins_name(c)) {
      std::size_t length = 1;
      while (continues_name(peek(length))) ++length;
      if (length > kLongestName) fail("a name is longer than " + std::to_string(kLongestName) + " bytes");
      add(TokenType::name, std::string(rest().substr(0, length)));
      advance(length);
    } else if (c == '"' || c == '\'') {
      string(c);
    } else {
      op();
    }
  }

  void string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail("a string isn't closed");
    try {
      add(TokenType::string, unescaped(std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
    } catch (const Error& error) {
      fail(error.what());
    }
    advance_to(end + 1);
  }

  std::size_t digits(std::size_t place) const {
    while (is_digit(peek(place)) || (peek(place) == '_' && is_digit(peek(place + 1)))) ++place;
    return place;
  }

  /// 12, 1_000, 0x1F, 0o17, 0b11, 1.5, 1e-3. After a point it is an index: the 0 of x.0.5.
  void number() {
    static constexpr std::string_view kBases = "xXoObB";
    std::size_t length = digits(0);
    TokenType type = TokenType::integer;
    if (length == 1 && peek() == '0' && kBases.find(peek(1)) != kNone && peek(1) != '\0') {
      length = 2;
      while (continues_name(peek(length))) ++length;
    } else if (at_ == 0 || source_[at_ - 1] != '.') {
      if (peek(length) == '.' && is_digit(peek(length + 1))) {
        length = digits(length + 1);
        type = TokenType::real;
      }
      const std::size_t sign = peek(length + 1) == '+' || peek(length + 1) == '-' ? 2 : 1;
      if ((peek(length) == 'e' || peek(length) == 'E') && is_digit(peek(length + sign))) {
        length = digits(length + sign);
        type = TokenType::real;
      }
    }
    std::string text(rest().substr(0, length));
    std::erase(text, '_');
    add(type, std::move(text));
    advance(length);
  }

  void op() {
    static constexpr std::array<std::string_view, 26> kOps = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "*",
                                                              "/",  "%",  "~",  "<",  ">",  "=",  "(", ")", "[",
                                                              "]",  "{",  "}",  ".",  ":",  "|",  ",", ";"};
    const auto found = std::find_if(kOps.begin(), kOps.end(), [this](auto one) { return rest().starts_with(one); });
    if (found == kOps.end()) {
      fail("'" + std::string(rest().substr(0, utf8_step(rest()).length)) + "' has no meaning in a tag");
    }
    track_bracket((*found)[0]);
    add(TokenType::op, std::string(*found));
    advance(found->size());
  }

  void track_bracket(char c) {
    static constexpr std::string_view kOpen = "([{", kClose = ")]}";
    if (kOpen.find(c) != kNone) brackets_ += c;
    const std::size_t close = kClose.find(c);
    if (close == kNone) return;
    if (brackets_.empty() || brackets_.back() != kOpen[close]) fail("'" + std::string(1, c) + "' closes nothing");
    brackets_.pop_back();
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // the last tag took the line end behind it along
  std::string brackets_;     // open ones of the tag
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source) { return Lexer(source).run(); }

}  // namespace covey::jinja
