#include "model/jinja/string_format.hpp"

#include <optional>

#include "covey/error.hpp"
#include "model/jinja/access.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/number_format.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {
namespace {

/// The values that conversions take in turn.
class PercentValues {
 public:
  explicit PercentValues(const Value& values)
      : values_(values), many_(values.is(Kind::list) && values.list_kind() == ListKind::tuple) {}

  Value next() {
    const std::size_t there = many_ ? values_.items().size() : 1;
    if (used_ == there) throw Error("a format has more conversions than values");
    ++used_;
    return many_ ? values_.items()[used_ - 1] : values_;
  }
  Value named(std::string_view name) {
    named_ = true;
    const Value* value = values_.is(Kind::dict) ? values_.dict().find(name) : nullptr;
    if (!value) throw Error("a format names '" + std::string(name) + "', which isn't among its values");
    return *value;
  }
  void check_all_used() const {
    if (named_ || values_.is(Kind::dict)) return;
    if (used_ < (many_ ? values_.items().size() : 1)) throw Error("a format has more values than conversions");
  }

 private:
  Value values_;
  bool many_;
  bool named_ = false;
  std::size_t used_ = 0;
};

std::size_t star_or_number(std::string_view& text, PercentValues& values) {
  if (!text.starts_with('*')) return take_number(text);
  text.remove_prefix(1);
  const Value number = values.next();
  if (!number.is_integral() || number.integer() < 0 || number.integer() > 999'999'999)
    throw Error("* in a format needs a small whole number");
  return static_cast<std::size_t>(number.integer());
}

/// One conversion, `text` being what follows its %.
std::string percent_conversion(Runtime& runtime, std::string_view& text, PercentValues& values) {
  FieldFormat format;
  std::optional<Value> named;
  if (text.starts_with('(')) {
    const std::size_t close = text.find(')');
    if (close == std::string_view::npos) throw Error("a format has %( without )");
    named = values.named(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
  }
  for (; !text.empty() && std::string_view("-+ #0").find(text[0]) != std::string_view::npos; text.remove_prefix(1)) {
    if (text[0] == '-') format.align = '<';
    if (text[0] == '+' || (text[0] == ' ' && format.sign == '-')) format.sign = text[0];
    if (text[0] == '#') format.alternate = true;
    if (text[0] == '0') format.fill = "0";
  }
  format.width = star_or_number(text, values);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    format.precision = static_cast<int>(star_or_number(text, values));
  }
  if (text.empty()) throw Error("a format ends within a conversion");
  format.type = text[0];
  text.remove_prefix(1);
  const bool words = format.type == 's' || format.type == 'r' || format.type == 'c';
  if (words || format.align == '<') format.fill = " ";
  if (format.align == 0) format.align = format.fill == "0" ? '=' : '>';
  return formatted(runtime, named ? *named : values.next(), format);
}

/// What follows the colon: [[fill]align][sign][#][0][width][,][.precision][type]
FieldFormat brace_specification(std::string_view text) {
  static constexpr std::string_view kAligns = "<>^=";
  FieldFormat format;
  const auto characters = characters_of(text.substr(0, 8));
  const auto is_align = [](std::string_view c) { return kAligns.find(c) != std::string_view::npos; };
  if (characters.size() > 1 && is_align(characters[1])) {
    format.fill = characters[0];
    format.align = characters[1][0];
    text.remove_prefix(characters[0].size() + 1);
  } else if (!characters.empty() && is_align(characters[0])) {
    format.align = text[0];
    text.remove_prefix(1);
  }
  const auto flag = [&text](std::string_view any) {
    const bool there = !text.empty() && any.find(text[0]) != std::string_view::npos;
    const char found = there ? text[0] : '\0';
    if (there) text.remove_prefix(1);
    return found;
  };
  if (const char sign = flag("+- ")) format.sign = sign;
  format.alternate = flag("#") != 0;
  if (flag("0") && format.align == 0) {
    format.fill = "0";
    format.align = '=';
  }
  format.width = take_number(text);
  format.grouped = flag(",") != 0;
  if (flag(".")) format.precision = static_cast<int>(take_number(text));
  format.type = text.empty() ? '\0' : text[0];
  if (text.size() > 1) throw Error("a format can't be understood: '" + std::string(text) + "'");
  return format;
}

/// Names and numbers the values of a brace format.
class BraceValues {
 public:
  explicit BraceValues(const Arguments& arguments) : arguments_(arguments) {}

  std::size_t count() const { return arguments_.named.size(); }

  /// `path` is a position or a name, or nothing for the next position, then any .attribute and [key].
  Value at(Runtime& runtime, std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, end));
    path.remove_prefix(end);
    while (!path.empty()) {
      const bool attribute = path[0] == '.';
      const std::size_t close = attribute ? std::min(path.find_first_of(".[", 1), path.size()) : path.find(']');
      if (close == std::string_view::npos) throw Error("a format has [ without ]");
      const std::string_view name = path.substr(1, close - 1);
      value = attribute ? attribute_of(runtime, value, name) : item_of(runtime, value, key(name));
      if (value.is(Kind::undefined)) throw Error(value.why());
      path.remove_prefix(attribute ? close : close + 1);
    }
    return value;
  }

 private:
  static bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  }
  static Value key(std::string_view name) {
    return is_number(name) ? Value(static_cast<std::int64_t>(take_number(name))) : Value(name);
  }
  Value first(std::string_view name) {
    if (name.empty() || is_number(name)) {
      const std::size_t place = name.empty() ? next_++ : take_number(name);
      if (place < arguments_.positional.size()) return arguments_.positional[place];
      throw Error("a format has more fields than values");
    }
    for (const auto& [given, value] : arguments_.named) {
      if (given == name) return value;
    }
    throw Error("a format names '" + std::string(name) + "', which isn't among its values");
  }

  const Arguments& arguments_;
  std::size_t next_ = 0;
};

std::string brace_field(Runtime& runtime, std::string_view field, BraceValues& values) {
  runtime.step(1 + values.count() / 16);
  if (field.find('{') != std::string_view::npos) throw Error("a format has fields inside fields");
  const std::size_t colon = std::min(field.find(':'), field.size());
  std::string_view path = field.substr(0, colon);
  const FieldFormat format = brace_specification(field.substr(std::min(colon + 1, field.size())));
  char conversion = 0;
  if (const std::size_t mark = path.find('!'); mark != std::string_view::npos) {
    if (path.size() != mark + 2 || (path[mark + 1] != 'r' && path[mark + 1] != 's'))
      throw Error("a format has an unknown conversion: only !r and !s are known");
    conversion = path[mark + 1];
    path = path.substr(0, mark);
  }
  const Value value = values.at(runtime, path);
  if (conversion == 'r') return formatted(runtime, Value(to_repr(runtime, value)), format);
  if (conversion == 's') return formatted(runtime, Value(to_text(runtime, value)), format);
  return formatted(runtime, value, format);
}

}  // namespace

std::string percent_format(Runtime& runtime, std::string_view format, const Value& values) {
  std::string result;
  PercentValues turn(values);
  while (!format.empty()) {
    const std::size_t percent = std::min(format.find('%'), format.size());
    result += format.substr(0, percent);
    format.remove_prefix(percent);
    if (format.empty()) break;
    format.remove_prefix(1);
    if (format.starts_with('%')) {
      result += '%';
      format.remove_prefix(1);
    } else {
      const std::string text = percent_conversion(runtime, format, turn);
      runtime.take(text.size());
      result += text;
    }
  }
  turn.check_all_used();
  return result;
}

std::string brace_format(Runtime& runtime, std::string_view format, const Arguments& arguments) {
  std::string result;
  BraceValues values(arguments);
  while (!format.empty()) {
    const std::size_t brace = std::min(format.find_first_of("{}"), format.size());
    result += format.substr(0, brace);
    format.remove_prefix(brace);
    if (format.empty()) break;
    if (format.size() > 1 && format[1] == format[0]) {
      result += format[0];
      format.remove_prefix(2);
      continue;
    }
    const std::size_t close = format.find('}');
    if (format[0] == '}' || close == std::string_view::npos) throw Error("a format has a lone { or }");
    const std::string text = brace_field(runtime, format.substr(1, close - 1), values);
    runtime.take(text.size());
    result += text;
    format.remove_prefix(close + 1);
  }
  return result;
}

}  // namespace covey::jinja
