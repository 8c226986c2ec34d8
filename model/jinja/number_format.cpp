#include "model/jinja/number_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "covey/error.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/text_form.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

constexpr int kMostPrecision = 100;

[[noreturn]] void unfit(const Value& value, char type) {
  throw Error("the format '" + std::string(1, type) + "' isn't made for a value of type '" +
              std::string(value.type_name()) + "'");
}

std::int64_t whole_number(const Value& value, char type) {
  if (value.is_integral()) return value.integer();
  if (!value.is(Kind::real) || type != 'd' || std::abs(value.number()) >= 9.2e18) unfit(value, type);
  return static_cast<std::int64_t>(value.number());
}

std::string grouped(std::string digits) {
  const std::size_t whole = std::min(digits.find('.'), digits.size());
  for (std::size_t at = whole; at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

/// Digits without the sign, and the sign apart.
struct Digits {
  bool negative = false;
  std::string prefix;
  std::string text;
};

Digits whole_digits(const Value& value, const FieldFormat& format) {
  const char type = format.type == 'i' || format.type == 'u' || format.type == 0 ? 'd' : format.type;
  const std::int64_t number = whole_number(value, type);
  const std::uint64_t size = number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  const int base = type == 'd' ? 10 : type == 'o' ? 8 : type == 'b' ? 2 : 16;
  std::array<char, 72> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), size, base).ptr;
  Digits digits{number < 0, "", std::string(buffer.data(), end)};
  if (type == 'X') digits.text = upper_case(digits.text);
  if (format.alternate && base != 10) digits.prefix = std::string("0") + type;
  return digits;
}

Digits real_digits(const Value& value, const FieldFormat& format) {
  if (!value.is_number()) unfit(value, format.type);
  double number = value.number();
  if (format.type == '%') number *= 100;
  const char conversion[] = {'%', '.', '*', format.type == '%' ? 'f' : format.type, 0};
  std::array<char, 512> buffer;
  const int precision = format.precision < 0 ? 6 : format.precision;
  const int length = std::snprintf(buffer.data(), buffer.size(), conversion, precision, std::abs(number));
  Digits digits{std::signbit(number) && !std::isnan(number), "", std::string(buffer.data(), length)};
  if (format.type == '%') digits.text += '%';
  return digits;
}

std::string padded(Runtime& runtime, std::string sign, std::string text, const FieldFormat& format, char align) {
  const std::size_t used = character_count(sign) + character_count(text);
  const std::size_t missing = format.width > used ? format.width - used : 0;
  runtime.take(missing * format.fill.size() + text.size());
  const auto fill = [&format](std::size_t count) {
    std::string filled;
    for (std::size_t i = 0; i < count; ++i) filled += format.fill;
    return filled;
  };
  switch (align) {
    case '<':
      return sign + text + fill(missing);
    case '^':
      return fill(missing / 2) + sign + text + fill(missing - missing / 2);
    case '=':
      return sign + fill(missing) + text;
    default:
      return fill(missing) + sign + text;
  }
}

std::string formatted_text(Runtime& runtime, const Value& value, const FieldFormat& format) {
  std::string text = format.type == 'r' ? to_repr(runtime, value) : to_text(runtime, value);
  if (format.precision >= 0) {
    runtime.take(text.size() * sizeof(std::string_view));
    const auto characters = characters_of(text);
    const auto kept = static_cast<std::size_t>(format.precision);
    if (kept < characters.size()) text.resize(static_cast<std::size_t>(characters[kept].data() - text.data()));
  }
  return padded(runtime, "", std::move(text), format, format.align ? format.align : '<');
}

}  // namespace

std::string formatted(Runtime& runtime, const Value& value, const FieldFormat& format) {
  static constexpr std::string_view kWhole = "diuxXob";
  static constexpr std::string_view kReal = "fFeEgG%";
  const bool plain_number = format.type == 0 && value.is_number() && !value.is(Kind::boolean);
  Digits digits;
  if (format.type == 'c') {
    std::string character;
    if (value.is_integral()) {
      append_utf8(character, static_cast<char32_t>(value.integer()));
    } else if (value.is(Kind::string) && character_count(value.text()) == 1) {
      character = value.text();
    } else {
      unfit(value, 'c');
    }
    return padded(runtime, "", std::move(character), format, format.align ? format.align : '<');
  }
  if (kWhole.find(format.type) != std::string_view::npos || (plain_number && value.is(Kind::integer))) {
    digits = whole_digits(value, format);
  } else if (kReal.find(format.type) != std::string_view::npos) {
    if (format.precision > kMostPrecision)
      throw Error("a format asks for more than " + std::to_string(kMostPrecision) + " digits");
    digits = real_digits(value, format);
  } else if (plain_number && format.precision < 0) {
    digits = {std::signbit(value.number()), "", float_text(std::abs(value.number()))};
  } else if (plain_number) {
    FieldFormat general = format;
    general.type = 'g';
    return formatted(runtime, value, general);
  } else if (format.type == 0 || format.type == 's' || format.type == 'r') {
    return formatted_text(runtime, value, format);
  } else {
    throw Error("a format has the unknown type '" + std::string(1, format.type) + "'");
  }
  if (format.grouped) digits.text = grouped(std::move(digits.text));
  std::string sign = digits.negative ? "-" : format.sign == '-' ? "" : std::string(1, format.sign);
  return padded(runtime, sign + digits.prefix, std::move(digits.text), format, format.align ? format.align : '>');
}

std::size_t take_number(std::string_view& text) {
  std::size_t number = 0;
  for (int digits = 0; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits) {
    if (digits == 9) throw Error("a format asks for a width or precision out of all reason");
    number = number * 10 + static_cast<std::size_t>(text[0] - '0');
    text.remove_prefix(1);
  }
  return number;
}

}  // namespace covey::jinja
