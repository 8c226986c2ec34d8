// Filters for single values, and the list of all filters.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "covey/error.hpp"
#include "model/jinja/access.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/json.hpp"
#include "model/jinja/operators.hpp"

namespace covey::jinja {
namespace filters {
namespace {

Value default_value(Runtime&, const Value& input, const Arguments& arguments) {
  const BoundArguments given("default", arguments, {"default_value", "boolean"});
  const bool missing = input.is(Kind::undefined) || (given.flag(1, false) && !input.truthy());
  if (!missing) return input;
  return arguments.positional.empty() && given[0].is(Kind::undefined) ? Value("") : given[0];
}

Value absolute(Runtime&, const Value& input, const Arguments& arguments) {
  const BoundArguments given("abs", arguments, {});
  if (input.is(Kind::undefined)) throw Error(input.why());
  if (!input.is_number())
    throw Error("abs needs a number, not a value of type '" + std::string(input.type_name()) + "'");
  return input.number() < 0 ? negated(input) : input.is(Kind::boolean) ? Value(input.integer()) : input;
}

/// A number as Python's float() reads it.
std::optional<double> parsed_real(std::string_view text) {
  text = stripped(text, Side::both);
  const bool sign = text.starts_with('+');
  if (sign) text.remove_prefix(1);
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool signs = sign && text.starts_with('-');
  if (text.empty() || signs || read.ptr != text.data() + text.size() || read.ec != std::errc()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parsed_whole(std::string_view text, int base) {
  text = stripped(text, Side::both);
  const bool sign = text.starts_with('+');
  if (sign) text.remove_prefix(1);
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  const bool signs = sign && text.starts_with('-');
  if (text.empty() || signs || read.ptr != text.data() + text.size() || read.ec != std::errc()) return std::nullopt;
  return number;
}

Value whole_part(double number, const Value& otherwise) {
  return std::abs(number) < 9.2e18 ? Value(static_cast<std::int64_t>(number)) : otherwise;
}

Value to_int(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("int", arguments, {"default", "base"});
  const Value otherwise = given[0].is(Kind::undefined) ? Value(0) : given[0];
  const std::int64_t base = given.integer(1, 10);
  if (base < 2 || base > 36) throw Error("int reads numbers of bases from 2 to 36");
  if (input.is_integral()) return input.integer();
  if (input.is(Kind::real)) return whole_part(input.number(), otherwise);
  if (input.is(Kind::undefined)) throw Error(input.why());
  if (!input.is(Kind::string)) return otherwise;
  runtime.work(input.text().size());
  if (const auto whole = parsed_whole(input.text(), static_cast<int>(base))) return *whole;
  const auto real = parsed_real(input.text());
  return real ? whole_part(*real, otherwise) : otherwise;
}

Value to_float(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("float", arguments, {"default"});
  const Value otherwise = given[0].is(Kind::undefined) ? Value(0.0) : given[0];
  if (input.is_number()) return input.number();
  if (input.is(Kind::undefined)) throw Error(input.why());
  if (!input.is(Kind::string)) return otherwise;
  runtime.work(input.text().size());
  const auto real = parsed_real(input.text());
  return real ? Value(*real) : otherwise;
}

/// Halves go to the even neighbour, as the decimal digits of the number say.
double rounded(double number, int precision) {
  if (precision < 0) {
    const double scale = std::pow(10.0, -precision);
    return std::nearbyint(number / scale) * scale;
  }
  std::array<char, 400> text;
  std::snprintf(text.data(), text.size(), "%.*f", precision, number);
  return std::strtod(text.data(), nullptr);
}

Value round(Runtime&, const Value& input, const Arguments& arguments) {
  const BoundArguments given("round", arguments, {"precision", "method"});
  if (!input.is_number())
    throw Error("round needs a number, not a value of type '" + std::string(input.type_name()) + "'");
  const std::int64_t precision = given.integer(0, 0);
  if (precision < -15 || precision > 15) throw Error("round keeps from -15 to 15 digits");
  const std::string_view method = given.text(1, "common");
  const double number = input.number();
  if (method == "common") {
    if (input.is_integral() && precision >= 0) return input;
    const double result = rounded(number, static_cast<int>(precision));
    return input.is_integral() ? whole_part(result, input) : Value(result);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil") return std::ceil(number * scale) / scale;
  if (method == "floor") return std::floor(number * scale) / scale;
  throw Error("round knows the methods common, ceil and floor, not '" + std::string(method) + "'");
}

Value attribute(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("attr", arguments, {"name"}, 1);
  // Unlike a point, it never looks for an item.
  if (input.is(Kind::dict) && input.dict().find(given.text(0)))
    return Value::undefined("a dictionary has no attribute '" + std::string(given.text(0)) + "'");
  return attribute_of(runtime, input, given.text(0));
}

Value tojson(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonFormat format;
  format.ascii = given.flag(0, false);
  format.sort_keys = given.flag(3, false);
  if (given.has(1)) {
    const bool text = given[1].is(Kind::string);
    const std::int64_t width = text ? 0 : given.integer(1, 0);
    if (width > 100) throw Error("tojson is asked for an indent of " + std::to_string(width));
    format.indent =
        text ? std::string(given.text(1)) : std::string(width > 0 ? static_cast<std::size_t>(width) : 0, ' ');
    format.between = ",";
  }
  if (given.has(2)) {
    const std::vector<Value> both = iterate(runtime, given[2]);
    if (both.size() != 2 || !both[0].is(Kind::string) || !both[1].is(Kind::string))
      throw Error("the separators of tojson must be two strings");
    format.between = both[0].text();
    format.after_key = both[1].text();
  }
  return runtime.string(to_json(runtime, input, format));
}

constexpr std::array kValueFilters = {
    Filter{"default", default_value}, Filter{"d", default_value}, Filter{"abs", absolute},   Filter{"int", to_int},
    Filter{"float", to_float},        Filter{"round", round},     Filter{"attr", attribute}, Filter{"tojson", tojson},
};

}  // namespace
}  // namespace filters

std::span<const Filter> value_filters() { return filters::kValueFilters; }

const Filter* find_filter(std::string_view name) {
  for (const auto list : {text_filters(), list_filters(), choosing_filters(), value_filters()}) {
    const auto at =
        std::find_if(list.begin(), list.end(), [name](const Filter& filter) { return filter.name == name; });
    if (at != list.end()) return &*at;
  }
  return nullptr;
}

}  // namespace covey::jinja
