#include "model/jinja/text_form.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/jinja/characters.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

void append_repr(Runtime& runtime, std::string& to, const Value& value);

std::string escaped(char32_t code) {
  std::array<char, 16> text{};
  const char* format = "\\x%02x";
  if (code > 0xFF) format = "\\u%04x";
  if (code > 0xFFFF) format = "\\U%08x";
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(code));
  return text.data();
}

/// In single quotes, unless only double ones save escapes.
void append_quoted(std::string& to, std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  to += quote;
  for (; !text.empty(); text.remove_prefix(utf8_step(text).length)) {
    const char32_t code = code_point(text);
    if (code == '\n') {
      to += "\\n";
    } else if (code == '\r') {
      to += "\\r";
    } else if (code == '\t') {
      to += "\\t";
    } else if (code == '\\' || code == static_cast<unsigned char>(quote)) {
      to += '\\';
      to += static_cast<char>(code);
    } else if (!is_printable(code)) {
      to += escaped(code);
    } else {
      append_utf8(to, code);
    }
  }
  to += quote;
}

void append_list(Runtime& runtime, std::string& to, const Value& list) {
  const bool tuple = list.list_kind() == ListKind::tuple || list.list_kind() == ListKind::group;
  to += tuple ? '(' : '[';
  const char* separator = "";
  for (const Value& item : list.items()) {
    to += separator;
    separator = ", ";
    append_repr(runtime, to, item);
  }
  if (tuple && list.items().size() == 1) to += ',';
  to += tuple ? ')' : ']';
}

/// Python keeps a range's bounds; they follow from its items. range(0) stands for all empty ones.
void append_range(std::string& to, const std::vector<Value>& items) {
  const std::int64_t first = items.empty() ? 0 : items.front().integer();
  const std::int64_t step = items.size() < 2 ? 1 : items[1].integer() - first;
  const std::int64_t end = items.empty() ? 0 : items.back().integer() + step;
  to += "range(" + std::to_string(first) + ", " + std::to_string(end);
  if (step != 1) to += ", " + std::to_string(step);
  to += ')';
}

void append_repr(Runtime& runtime, std::string& to, const Value& value) {
  runtime.step();
  const std::size_t before = to.size();
  switch (value.kind()) {
    case Kind::undefined:
      to += "Undefined";
      break;
    case Kind::none:
      to += "None";
      break;
    case Kind::boolean:
      to += value.boolean() ? "True" : "False";
      break;
    case Kind::integer:
      to += std::to_string(value.integer());
      break;
    case Kind::real:
      to += float_text(value.number());
      break;
    case Kind::string:
      runtime.take(value.text().size());
      append_quoted(to, value.text());
      break;
    case Kind::list:
      if (value.list_kind() == ListKind::range) {
        append_range(to, value.items());
      } else {
        append_list(runtime, to, value);
      }
      return;
    case Kind::dict: {
      to += '{';
      const char* separator = "";
      for (const Dict::Entry& entry : value.dict().entries()) {
        to += separator;
        separator = ", ";
        append_repr(runtime, to, entry.key);
        to += ": ";
        append_repr(runtime, to, entry.value);
      }
      to += '}';
      return;
    }
    case Kind::object:
      to += '<';
      to += value.object().type_name();
      to += '>';
      break;
  }
  runtime.take(to.size() - before);
}

}  // namespace

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  // "d.ddde±xx" holds the digits and the place of the point.
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = scientific.find('e');
  int exponent = 0;
  const bool positive = scientific[e + 1] == '+';
  std::from_chars(scientific.data() + e + (positive ? 2 : 1), end.ptr, exponent);
  if (exponent < -4 || exponent >= 16) {
    std::string text(scientific.substr(0, e + 1));
    text += exponent < 0 ? '-' : '+';
    const int size = std::abs(exponent);
    return text + (size < 10 ? "0" : "") + std::to_string(size);
  }
  const auto fixed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed);
  std::string text(buffer.data(), fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string to_text(Runtime& runtime, const Value& value) {
  if (value.is(Kind::undefined)) return "";
  if (value.is(Kind::string)) {
    runtime.work(value.text().size());
    return value.text();
  }
  return to_repr(runtime, value);
}

std::string to_repr(Runtime& runtime, const Value& value) {
  std::string text;
  append_repr(runtime, text, value);
  return text;
}

}  // namespace covey::jinja
