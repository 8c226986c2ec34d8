// str.strip and its kin: methods whose result is a changed string, or what is known about one.
#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/methods.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/string_format.hpp"
#include "model/jinja/string_search.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace methods {
namespace {

template <Side side>
Value strip(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("strip", arguments, {"chars"});
  // The characters to strip are listed, and each one at the ends is looked for among them.
  runtime.take(given.text(0).size() * sizeof(std::string_view));
  runtime.work(self.text().size() * (1 + given.text(0).size()) * 4);
  const auto text = given.has(0) ? stripped(self.text(), side, given.text(0)) : stripped(self.text(), side);
  return runtime.string(std::string(text));
}

template <std::string (*change)(std::string_view)>
Value changed(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("the method", arguments, {});
  runtime.work(self.text().size() * 16);
  return runtime.string(change(self.text()));
}

/// `each(code, previous)` gives the new code of a character, `previous` being the code before it.
template <class Each>
std::string each_character(std::string_view text, const Each& each) {
  std::string result;
  char32_t previous = 0;
  while (!text.empty()) {
    const char32_t code = code_point(take_character(text));
    append_utf8(result, each(code, previous));
    previous = code;
  }
  return result;
}

std::string title(std::string_view text) {
  return each_character(
      text, [](char32_t code, char32_t previous) { return is_letter(previous) ? to_lower(code) : to_upper(code); });
}

std::string swapped(std::string_view text) {
  return each_character(text, [](char32_t code, char32_t) { return is_upper(code) ? to_lower(code) : to_upper(code); });
}

std::string capitalized(std::string_view text) {
  const std::size_t first = text.empty() ? 0 : characters_of(text.substr(0, 4))[0].size();
  return upper_case(text.substr(0, first)) + lower_case(text.substr(first));
}

bool is_digit(char32_t code) { return code >= '0' && code <= '9'; }
bool is_alnum(char32_t code) { return is_digit(code) || is_letter(code); }
bool is_ascii(char32_t code) { return code < 0x80; }

template <bool (*holds)(char32_t)>
Value all(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("the method", arguments, {});
  runtime.work(self.text().size() * 8);
  std::string_view text = self.text();
  const bool of_nothing = holds == is_ascii || holds == is_printable;
  if (text.empty()) return of_nothing;
  while (!text.empty()) {
    if (!holds(code_point(take_character(text)))) return false;
  }
  return true;
}

/// All letters that have a case are of this one, and there is one.
template <bool (*wanted)(char32_t), bool (*other)(char32_t)>
Value cased(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("the method", arguments, {});
  runtime.work(self.text().size() * 8);
  bool found = false;
  for (std::string_view text = self.text(); !text.empty();) {
    const char32_t code = code_point(take_character(text));
    if (other(code)) return false;
    found = found || wanted(code);
  }
  return found;
}

template <bool at_start>
Value remove_affix(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("removeprefix", arguments, {"affix"}, 1);
  std::string_view text = self.text();
  const std::string_view affix = given.text(0);
  if (at_start && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!at_start && text.ends_with(affix)) text.remove_suffix(affix.size());
  return runtime.string(std::string(text));
}

Value replace(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("replace", arguments, {"old", "new", "count"}, 2);
  return runtime.string(replaced(runtime, self.text(), given.text(0), given.text(1), given.integer(2, -1)));
}

Value join(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("join", arguments, {"iterable"}, 1);
  std::string result;
  bool first = true;
  for (const Value& item : iterate(runtime, given[0])) {
    if (!item.is(Kind::string))
      throw Error("join of a string needs strings, not a value of type '" + std::string(item.type_name()) + "'");
    runtime.take(item.text().size() + self.text().size());
    if (!first) result += self.text();
    first = false;
    result += item.text();
  }
  return runtime.string(std::move(result));
}

/// Room to both sides of a text in a wider field.
template <Side side>
Value justify(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("the method", arguments, {"width", "fillchar"}, 1);
  const std::string_view fill = given.text(1, " ");
  if (character_count(fill) != 1) throw Error("the fill character must be exactly one character");
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(given.integer(0, 0), 0));
  const std::size_t used = character_count(self.text());
  const std::size_t missing = width > used ? width - used : 0;
  runtime.take(missing > (std::size_t{1} << 40) ? missing : missing * fill.size());
  // An odd space of a centred text goes where Python puts it.
  std::size_t before = side == Side::right ? 0 : missing;
  if (side == Side::both) before = missing / 2 + (missing & width & 1U);
  std::string result;
  for (std::size_t i = 0; i < before; ++i) result += fill;
  result += self.text();
  for (std::size_t i = before; i < missing; ++i) result += fill;
  return runtime.string(std::move(result));
}

Value zfill(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("zfill", arguments, {"width"}, 1);
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(given.integer(0, 0), 0));
  const std::size_t used = character_count(self.text());
  const std::size_t missing = width > used ? width - used : 0;
  runtime.take(missing);
  const bool has_sign = self.text().starts_with('-') || self.text().starts_with('+');
  std::string result = self.text();
  return runtime.string(result.insert(has_sign ? 1 : 0, missing, '0'));
}

Value format(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return runtime.string(brace_format(runtime, self.text(), arguments));
}

constexpr std::array kMethods = {
    Method{"strip", strip<Side::both>},
    Method{"lstrip", strip<Side::left>},
    Method{"rstrip", strip<Side::right>},
    Method{"upper", changed<upper_case>},
    Method{"lower", changed<lower_case>},
    Method{"casefold", changed<lower_case>},
    Method{"title", changed<title>},
    Method{"capitalize", changed<capitalized>},
    Method{"swapcase", changed<swapped>},
    Method{"isalpha", all<is_letter>},
    Method{"isdigit", all<is_digit>},
    Method{"isdecimal", all<is_digit>},
    Method{"isnumeric", all<is_digit>},
    Method{"isalnum", all<is_alnum>},
    Method{"isspace", all<is_space>},
    Method{"isascii", all<is_ascii>},
    Method{"isprintable", all<is_printable>},
    Method{"isupper", cased<is_upper, is_lower>},
    Method{"islower", cased<is_lower, is_upper>},
    Method{"removeprefix", remove_affix<true>},
    Method{"removesuffix", remove_affix<false>},
    Method{"replace", replace},
    Method{"join", join},
    Method{"center", justify<Side::both>},
    Method{"ljust", justify<Side::right>},
    Method{"rjust", justify<Side::left>},
    Method{"zfill", zfill},
    Method{"format", format},
    Method{"split", split},
    Method{"rsplit", rsplit},
    Method{"splitlines", splitlines},
    Method{"partition", partition},
    Method{"rpartition", rpartition},
    Method{"startswith", startswith},
    Method{"endswith", endswith},
    Method{"find", find},
    Method{"rfind", rfind},
    Method{"index", index},
    Method{"rindex", rindex},
    Method{"count", count},
};

}  // namespace
}  // namespace methods

const Method* find_string_method(std::string_view name) {
  const auto at = std::find_if(methods::kMethods.begin(), methods::kMethods.end(),
                               [name](const Method& m) { return m.name == name; });
  return at == methods::kMethods.end() ? nullptr : &*at;
}

}  // namespace covey::jinja
