#include "model/grammar/schema_pattern.hpp"

#include <charconv>
#include <utility>
#include <vector>

#include "model/grammar/json_rules.hpp"
#include "model/jinja/characters.hpp"

namespace covey::grammar {
namespace {

constexpr int kMostPatternGroups = 32;  // one in the other

CodeSet digit_codes() { return CodeSet({{U'0', U'9'}}); }
CodeSet word_codes() { return CodeSet({{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}}); }
CodeSet space_codes() {
  return CodeSet({{U'\t', U'\r'},
                  {U' ', U' '},
                  {0xA0, 0xA0},
                  {0x1680, 0x1680},
                  {0x2000, 0x200A},
                  {0x2028, 0x2029},
                  {0x202F, 0x202F},
                  {0x205F, 0x205F},
                  {0x3000, 0x3000},
                  {0xFEFF, 0xFEFF}});
}
CodeSet codes_but_line_ends() {
  return all_codes().without(CodeSet({{U'\n', U'\n'}, {U'\r', U'\r'}, {0x2028, 0x2029}}));
}

class PatternParser {
 public:
  PatternParser(std::string_view text, const SchemaSource& source, const std::string& path)
      : rest_(text), source_(source), path_(path) {}

  Expression run() {
    std::vector<Expression> parts;
    do {
      parts.push_back(anchored());
    } while (take('|'));
    if (!rest_.empty()) fail("a ')' closes nothing");
    return choice(std::move(parts));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { source_.fail(path_, what); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  /// One of the outermost alternatives, with whatever may stand around its match.
  Expression anchored() {
    const Expression anything = repeat(json_characters(all_codes()), 0, kNoEnd);
    std::vector<Expression> parts;
    if (!take('^')) parts.push_back(anything);
    parts.push_back(terms());
    if (!take('$')) parts.push_back(anything);
    if (!rest_.empty() && peek() != '|') fail("something stands behind '$', which is understood at the end only");
    return sequence(std::move(parts));
  }

  Expression terms() {
    std::vector<Expression> parts;
    while (!rest_.empty() && peek() != '|' && peek() != ')' && peek() != '$') parts.push_back(repeated(term()));
    return sequence(std::move(parts));
  }

  Expression term() {
    if (take('(')) return group();
    if (take('[')) return json_characters(char_class());
    if (take('.')) return json_characters(codes_but_line_ends());
    if (take('\\')) return json_characters(escape());
    for (const char c : {'^', '*', '+', '?', '{', '}', ']'}) {
      if (peek() == c) fail(std::string("'") + c + "' can't stand here; for the character itself write \\" + c);
    }
    return json_characters(single(character()));
  }

  Expression group() {
    if (take('?') && !take(':')) fail("of groups beginning with (? only (?:…) is supported");
    if (++groups_ > kMostPatternGroups) fail("groups nest too deep");
    std::vector<Expression> parts;
    do {
      parts.push_back(terms());
    } while (take('|'));
    if (peek() == '$') fail("'$' is understood at the end only");
    if (!take(')')) fail("a ')' is missing");
    --groups_;
    return choice(std::move(parts));
  }

  Expression repeated(Expression part) {
    std::uint32_t least = 0, most = kNoEnd;
    if (take('+')) {
      least = 1;
    } else if (take('?')) {
      most = 1;
    } else if (take('{')) {
      least = most = number();
      if (take(',')) most = peek() == '}' ? kNoEnd : number();
      if (!take('}')) fail("'}' is missing");
      if (most < least) fail("a repetition ends before it begins");
    } else if (!take('*')) {
      return part;
    }
    take('?');  // taking as few as possible matches the same strings
    return repeat(std::move(part), least, most);
  }

  std::uint32_t number() {
    std::uint32_t value = 0;
    const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (read.ec != std::errc() || value > kMostRepetitions) {
      fail("the counts of {m,n} are numbers up to " + std::to_string(kMostRepetitions));
    }
    rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
    return value;
  }

  char32_t character() { return jinja::code_point(jinja::take_character(rest_)); }
  static CodeSet single(char32_t code) { return CodeSet({{code, code}}); }

  /// Behind the backslash.
  CodeSet escape() {
    static constexpr std::string_view kLetters = "nrtfv0";
    static constexpr std::string_view kMeanings("\n\r\t\f\v\0", 6);
    if (rest_.empty()) fail("the pattern ends with a backslash");
    const char c = peek();
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter) return single(character());
    rest_.remove_prefix(1);
    if (const std::size_t at = kLetters.find(c); at != std::string_view::npos) {
      return single(static_cast<char32_t>(kMeanings[at]));
    }
    switch (c) {
      case 'd':
        return digit_codes();
      case 'D':
        return digit_codes().inverted();
      case 'w':
        return word_codes();
      case 'W':
        return word_codes().inverted();
      case 's':
        return space_codes();
      case 'S':
        return space_codes().inverted();
      case 'x':
        return single(hexadecimal(2));
      case 'u':
        return single(hexadecimal(4));
      default:
        fail(std::string("\\") + c + " is not supported");
    }
  }

  char32_t hexadecimal(std::size_t digits) {
    std::uint32_t code = 0;
    const std::string_view written = rest_.substr(0, digits);
    const auto read = std::from_chars(written.data(), written.data() + written.size(), code, 16);
    if (written.size() != digits || read.ptr != written.data() + digits || !all_codes().contains(code)) {
      fail("\\x needs 2, \\u 4 hexadecimal digits of a character");
    }
    rest_.remove_prefix(digits);
    return code;
  }

  /// Behind the bracket.
  CodeSet char_class() {
    const bool inverted = take('^');
    std::vector<CodeSet::Range> ranges;
    while (!take(']')) {
      if (rest_.empty()) fail("a ']' is missing");
      const CodeSet first = class_item();
      if (rest_.size() > 1 && peek() == '-' && rest_[1] != ']') {
        take('-');
        const CodeSet last = class_item();
        const auto is_one = [](const CodeSet& set) {
          return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
        };
        if (!is_one(first) || !is_one(last) || last.ranges()[0].first < first.ranges()[0].first) {
          fail("a class has a range that ends before it begins, or is between more than two characters");
        }
        ranges.push_back({first.ranges()[0].first, last.ranges()[0].first});
      } else {
        ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
      }
    }
    CodeSet set(ranges);
    if (inverted) set = set.inverted();
    if (set.empty()) fail("no character is of a class");
    return set;
  }

  CodeSet class_item() {
    if (!take('\\')) return single(character());
    return take('b') ? single(U'\b') : escape();
  }

  std::string_view rest_;
  const SchemaSource& source_;
  const std::string& path_;
  int groups_ = 0;
};

}  // namespace

Expression pattern_strings(std::string_view pattern, const SchemaSource& source, const std::string& path) {
  return sequence({literal("\""), PatternParser(pattern, source, path).run(), literal("\"")});
}

}  // namespace covey::grammar
