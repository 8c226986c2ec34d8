#include "model/jinja/string_search.hpp"

#include <algorithm>
#include <vector>

#include "covey/error.hpp"
#include "model/jinja/access.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/characters.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

constexpr std::size_t kNotFound = std::string_view::npos;

/// A search may compare all of `wanted` at every place.
void charge_search(Runtime& runtime, std::string_view text, std::string_view wanted) {
  runtime.work(text.size() * (1 + wanted.size() / 64));
}

Value piece(Runtime& runtime, std::string_view text) { return runtime.string(std::string(text)); }

std::string_view separator_of(const BoundArguments& given, std::size_t i) {
  const std::string_view separator = given.text(i);
  if (separator.empty()) throw Error("the separator is an empty string");
  return separator;
}

/// Where the next run of spaces lies; both ends of the text if there is none.
struct Gap {
  std::size_t begin, end;
};

Gap first_gap(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && !is_space(code_point(text.substr(begin, 4))))
    begin += utf8_step(text.substr(begin)).length;
  std::size_t end = begin;
  while (end < text.size() && is_space(code_point(text.substr(end, 4)))) end += utf8_step(text.substr(end)).length;
  return {begin, end};
}

Gap last_gap(std::string_view text) {
  Gap last{text.size(), text.size()};
  for (std::size_t at = 0; at < text.size();) {
    const Gap gap = first_gap(text.substr(at));
    if (gap.begin == gap.end) break;
    last = {at + gap.begin, at + gap.end};
    at += gap.end;
  }
  return last;
}

std::vector<Value> words(Runtime& runtime, std::string_view text, std::int64_t most, bool from_right) {
  runtime.work(text.size() * 16);
  const Side begin = from_right ? Side::right : Side::left;
  std::vector<Value> parts;
  for (text = stripped(text, begin); !text.empty(); --most) {
    if (most == 0) {
      parts.push_back(piece(runtime, text));
      break;
    }
    if (from_right) runtime.work(text.size() * 16);
    const Gap gap = from_right ? last_gap(text) : first_gap(text);
    if (gap.begin == text.size()) {
      parts.push_back(piece(runtime, text));
      break;
    }
    parts.push_back(piece(runtime, from_right ? text.substr(gap.end) : text.substr(0, gap.begin)));
    text = from_right ? text.substr(0, gap.begin) : text.substr(gap.end);
  }
  return parts;
}

std::vector<Value> fields(Runtime& runtime, std::string_view text, std::string_view separator, std::int64_t most,
                          bool from_right) {
  charge_search(runtime, text, separator);
  std::vector<Value> parts;
  for (; most != 0; --most) {
    const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
    if (at == kNotFound) break;
    const std::string_view after = text.substr(at + separator.size());
    parts.push_back(piece(runtime, from_right ? after : text.substr(0, at)));
    text = from_right ? text.substr(0, at) : after;
  }
  parts.push_back(piece(runtime, text));
  return parts;
}

Value split_either(Runtime& runtime, const Value& self, const Arguments& arguments, bool from_right) {
  const BoundArguments given("split", arguments, {"sep", "maxsplit"});
  const std::int64_t most = given.integer(1, -1);
  std::vector<Value> parts = given.has(0) ? fields(runtime, self.text(), separator_of(given, 0), most, from_right)
                                          : words(runtime, self.text(), most, from_right);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return runtime.list(std::move(parts));
}

Value partition_either(Runtime& runtime, const Value& self, const Arguments& arguments, bool from_right) {
  const BoundArguments given("partition", arguments, {"sep"}, 1);
  const std::string_view text = self.text();
  const std::string_view separator = separator_of(given, 0);
  charge_search(runtime, text, separator);
  const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
  if (at == kNotFound) {
    const Value whole = piece(runtime, text), nothing("");
    return {from_right ? std::vector<Value>{nothing, nothing, whole} : std::vector<Value>{whole, nothing, nothing},
            ListKind::tuple};
  }
  return {{piece(runtime, text.substr(0, at)), Value(separator), piece(runtime, text.substr(at + separator.size()))},
          ListKind::tuple};
}

/// The part of a string that the arguments `start` and `end` choose, and how many characters lie before it.
struct Window {
  Value part;
  std::int64_t offset;
  bool reachable;  // Python finds not even the empty string behind the end
};

Window window_of(Runtime& runtime, const Value& self, const BoundArguments& given) {
  if (!given.has(1) && !given.has(2)) return {self, 0, true};
  const std::int64_t size = length_of(runtime, self);
  std::int64_t start = given.integer(1, 0);
  if (start < 0) start = std::max<std::int64_t>(0, start < -size ? 0 : start + size);
  return {slice_of(runtime, self, given[1], given[2], {}), start, start <= size};
}

Value find_either(Runtime& runtime, const Value& self, const Arguments& arguments, bool from_right, bool must) {
  const BoundArguments given("find", arguments, {"sub", "start", "end"}, 1);
  const std::string_view wanted = given.text(0);
  const Window window = window_of(runtime, self, given);
  const std::string_view text = window.part.text();
  charge_search(runtime, text, wanted);
  const std::size_t at = from_right ? text.rfind(wanted) : text.find(wanted);
  if (at != kNotFound && window.reachable)
    return window.offset + static_cast<std::int64_t>(character_count(text.substr(0, at)));
  if (must) throw Error("the string does not contain '" + std::string(wanted) + "'");
  return -1;
}

Value affixed(Runtime& runtime, const Value& self, const Arguments& arguments, bool at_start) {
  const BoundArguments given(at_start ? "startswith" : "endswith", arguments, {"affix", "start", "end"}, 1);
  const Window window = window_of(runtime, self, given);
  const std::string_view text = window.part.text();
  const auto holds = [&](const Value& affix) {
    if (!affix.is(Kind::string))
      throw Error("startswith and endswith need a string or a tuple of strings, not a value of type '" +
                  std::string(affix.type_name()) + "'");
    runtime.work(affix.text().size());
    return window.reachable && (at_start ? text.starts_with(affix.text()) : text.ends_with(affix.text()));
  };
  if (given[0].is(Kind::list) && given[0].list_kind() == ListKind::tuple)
    return std::any_of(given[0].items().begin(), given[0].items().end(), holds);
  return holds(given[0]);
}

bool ends_line(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

}  // namespace

Value split(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return split_either(runtime, self, arguments, false);
}

Value rsplit(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return split_either(runtime, self, arguments, true);
}

std::vector<std::string_view> lines_of(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_step(text.substr(at)).length;
    if (!ends_line(code_point(text.substr(at, length)))) {
      at += length;
      continue;
    }
    const std::size_t end = text.substr(at).starts_with("\r\n") ? at + 2 : at + length;
    lines.push_back(text.substr(0, keep_ends ? end : at));
    text.remove_prefix(end);
    at = 0;
  }
  if (!text.empty()) lines.push_back(text);
  return lines;
}

Value splitlines(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("splitlines", arguments, {"keepends"});
  runtime.take(self.text().size() * sizeof(std::string_view));
  std::vector<Value> lines;
  for (const std::string_view line : lines_of(self.text(), given.flag(0, false))) lines.push_back(piece(runtime, line));
  return runtime.list(std::move(lines));
}

Value partition(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return partition_either(runtime, self, arguments, false);
}

Value rpartition(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return partition_either(runtime, self, arguments, true);
}

Value startswith(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return affixed(runtime, self, arguments, true);
}

Value endswith(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return affixed(runtime, self, arguments, false);
}

Value find(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return find_either(runtime, self, arguments, false, false);
}

Value rfind(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return find_either(runtime, self, arguments, true, false);
}

Value index(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return find_either(runtime, self, arguments, false, true);
}

Value rindex(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return find_either(runtime, self, arguments, true, true);
}

Value count(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const BoundArguments given("count", arguments, {"sub", "start", "end"}, 1);
  const std::string_view wanted = given.text(0);
  const Window window = window_of(runtime, self, given);
  const std::string_view text = window.part.text();
  charge_search(runtime, text, wanted);
  if (!window.reachable) return 0;
  if (wanted.empty()) return character_count(text) + 1;
  std::int64_t found = 0;
  for (std::size_t at = text.find(wanted); at != kNotFound; at = text.find(wanted, at + wanted.size())) ++found;
  return found;
}

std::string replaced(Runtime& runtime, std::string_view text, std::string_view old, std::string_view now,
                     std::int64_t count) {
  charge_search(runtime, text, old);
  std::string result;
  // The empty string lies before each character, and at the end.
  for (; count != 0; --count) {
    const std::size_t at = old.empty() ? 0 : text.find(old);
    if (at == kNotFound) break;
    runtime.take(at + now.size());
    result += text.substr(0, at);
    result += now;
    text.remove_prefix(at + old.size());
    if (!old.empty()) continue;
    if (text.empty()) break;
    const std::size_t length = utf8_step(text).length;
    result += text.substr(0, length);
    text.remove_prefix(length);
  }
  result += text;
  return result;
}

}  // namespace covey::jinja
