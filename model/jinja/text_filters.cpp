// Filters that give text.
#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/methods.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/string_format.hpp"
#include "model/jinja/string_search.hpp"
#include "model/jinja/text_form.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace filters {
namespace {

Value text_of(Runtime& runtime, const Value& input) {
  return input.is(Kind::string) ? input : runtime.string(to_text(runtime, input));
}

/// The string method of that name, for any value as text.
Value by_method(Runtime& runtime, const Value& input, std::string_view method, const Arguments& arguments) {
  return find_string_method(method)->function(runtime, text_of(runtime, input), arguments);
}

Value upper(Runtime& runtime, const Value& input, const Arguments& arguments) {
  return by_method(runtime, input, "upper", arguments);
}

Value lower(Runtime& runtime, const Value& input, const Arguments& arguments) {
  return by_method(runtime, input, "lower", arguments);
}

Value capitalize(Runtime& runtime, const Value& input, const Arguments& arguments) {
  return by_method(runtime, input, "capitalize", arguments);
}

Value trim(Runtime& runtime, const Value& input, const Arguments& arguments) {
  return by_method(runtime, input, "strip", arguments);
}

/// Words begin after spaces, hyphens and opening brackets; not, as for str.title, after each character that is no
/// letter.
Value title(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("title", arguments, {});
  const Value text = text_of(runtime, input);
  runtime.work(text.text().size() * 16);
  std::string result;
  bool begins = true;
  for (std::string_view rest = text.text(); !rest.empty();) {
    const std::string_view character = take_character(rest);
    const char32_t code = code_point(character);
    const bool between = is_space(code) || (code < 0x80 && std::string_view("-({[<").find(static_cast<char>(code)) !=
                                                               std::string_view::npos);
    result += begins ? upper_case(character) : lower_case(character);
    begins = between;
  }
  return runtime.string(std::move(result));
}

Value replace(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("replace", arguments, {"old", "new", "count"}, 2);
  return runtime.string(replaced(runtime, text_of(runtime, input).text(), to_text(runtime, given[0]),
                                 to_text(runtime, given[1]), given.integer(2, -1)));
}

Value center(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("center", arguments, {"width"});
  return by_method(runtime, input, "center", {{Value(given.integer(0, 80))}, {}});
}

Value indent(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("indent", arguments, {"width", "first", "blank"});
  const Value text = text_of(runtime, input);
  const bool by_text = given[0].is(Kind::string);
  const std::int64_t width = by_text ? 0 : given.integer(0, 4);
  if (width > 1'000'000) throw Error("indent is asked for " + std::to_string(width) + " spaces");
  const std::string by =
      by_text ? std::string(given.text(0)) : std::string(width > 0 ? static_cast<std::size_t>(width) : 0, ' ');
  runtime.take(text.text().size() * sizeof(std::string_view));
  const std::string ended = text.text() + "\n";  // so that an empty last line counts
  std::string result;
  bool first = true;
  for (const std::string_view line : lines_of(ended, false)) {
    runtime.take(by.size() + line.size() + 1);
    if (!first) result += '\n';
    // Without `blank` empty lines stay so, but for the first.
    if (first ? given.flag(1, false) : given.flag(2, false) || !line.empty()) result += by;
    result += line;
    first = false;
  }
  return runtime.string(std::move(result));
}

Value truncate(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("truncate", arguments, {"length", "killwords", "end", "leeway"});
  const Value text = text_of(runtime, input);
  const std::int64_t length = given.integer(0, 255);
  const std::string end(given.text(2, "..."));
  const auto end_length = static_cast<std::int64_t>(character_count(end));
  if (length < end_length) throw Error("truncate needs a length of at least " + std::to_string(end_length));
  runtime.take(text.text().size() * sizeof(std::string_view));
  const auto characters = characters_of(text.text());
  const std::int64_t leeway = std::clamp<std::int64_t>(given.integer(3, 5), 0, 1'000'000);
  if (static_cast<std::int64_t>(characters.size()) - leeway <= length) return text;
  const auto kept = static_cast<std::size_t>(length - end_length);
  std::string result(text.text(), 0, static_cast<std::size_t>(characters[kept].data() - characters[0].data()));
  if (!given.flag(1, false)) result = result.substr(0, result.rfind(' '));
  return runtime.string(result + end);
}

Value wordcount(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("wordcount", arguments, {});
  const Value text = text_of(runtime, input);
  runtime.work(text.text().size() * 16);
  std::int64_t count = 0;
  bool inside = false;
  for (std::string_view rest = text.text(); !rest.empty(); rest.remove_prefix(utf8_step(rest).length)) {
    const char32_t code = code_point(rest.substr(0, 4));
    const bool word = is_letter(code) || code == '_' || (code >= '0' && code <= '9');
    count += word && !inside ? 1 : 0;
    inside = word;
  }
  return count;
}

/// In a query the slash is encoded too, and a space is a plus.
std::string percent_encoded(std::string_view text, bool query) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  static constexpr std::string_view kPlain = "_.-~";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 0x80 && is_letter(byte)) || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos || (c == '/' && !query);
    if (plain) {
      result += c;
    } else if (query && c == ' ') {
      result += '+';
    } else {
      result += '%';
      result += kDigits[byte >> 4U];
      result += kDigits[byte & 15U];
    }
  }
  return result;
}

/// A text for use in a URL; a dictionary, or pairs, as a query.
Value urlencode(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("urlencode", arguments, {});
  if (!input.is(Kind::dict) && !input.is(Kind::list)) {
    const Value text = text_of(runtime, input);
    runtime.take(text.text().size() * 2);
    return runtime.string(percent_encoded(text.text(), false));
  }
  const Value pairs = input.is(Kind::dict) ? find_method(input, "items")->function(runtime, input, {}) : input;
  std::string query;
  for (const Value& pair : pairs.items()) {
    const std::vector<Value> both = iterate(runtime, pair);
    if (both.size() != 2) throw Error("urlencode needs a text, a dictionary, or pairs");
    const std::string key = to_text(runtime, both[0]), value = to_text(runtime, both[1]);
    runtime.take(3 * (key.size() + value.size()) + 2);
    if (!query.empty()) query += '&';
    query += percent_encoded(key, true) + '=' + percent_encoded(value, true);
  }
  return runtime.string(std::move(query));
}

Value escape(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("escape", arguments, {});
  const Value text = text_of(runtime, input);
  runtime.take(text.text().size() * 5);
  std::string result;
  for (const char c : text.text()) {
    static constexpr std::string_view kSpecial = "&<>'\"";
    static constexpr std::array<std::string_view, 5> kEscapes = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const std::size_t at = kSpecial.find(c);
    if (at == std::string_view::npos) {
      result += c;
    } else {
      result += kEscapes[at];
    }
  }
  return runtime.string(std::move(result));
}

Value string(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("string", arguments, {});
  return text_of(runtime, input);
}

Value format(Runtime& runtime, const Value& input, const Arguments& arguments) {
  if (!arguments.named.empty() && !arguments.positional.empty())
    throw Error("format takes values by position or by name, not both");
  Dict named;
  for (const auto& [name, value] : arguments.named) named.set(Value(name), value);
  const Value values = arguments.named.empty() ? Value(arguments.positional, ListKind::tuple) : Value(std::move(named));
  return runtime.string(percent_format(runtime, text_of(runtime, input).text(), values));
}

constexpr std::array kTextFilters = {
    Filter{"upper", upper},
    Filter{"lower", lower},
    Filter{"capitalize", capitalize},
    Filter{"title", title},
    Filter{"trim", trim},
    Filter{"replace", replace},
    Filter{"center", center},
    Filter{"indent", indent},
    Filter{"truncate", truncate},
    Filter{"wordcount", wordcount},
    Filter{"urlencode", urlencode},
    Filter{"escape", escape},
    Filter{"e", escape},
    Filter{"forceescape", escape},
    Filter{"safe", string},
    Filter{"string", string},
    Filter{"format", format},
};

}  // namespace
}  // namespace filters

std::span<const Filter> text_filters() { return filters::kTextFilters; }

}  // namespace covey::jinja
