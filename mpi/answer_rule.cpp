#include "mpi/answer_rule.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/json_value.hpp"

namespace covey {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// "-1,234.50" as "-1234.5"; nullopt if `text` is no number.
std::optional<std::string> plain_number(std::string_view text) {
  std::string digits;
  std::size_t i = !text.empty() && (text.front() == '-' || text.front() == '+') ? 1 : 0;
  bool point = false;
  bool any = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const bool separates = c == ',' && any && !point && i + 1 < text.size() && is_digit(text[i + 1]);
    if (separates) continue;
    if (c == '.' && !point) {
      point = true;
    } else if (!is_digit(c)) {
      return std::nullopt;
    }
    any = any || is_digit(c);
    digits += c;
  }
  if (!any) return std::nullopt;
  if (point) {
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
  }
  const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, zeros);
  if (digits.empty() || digits.front() == '.') digits.insert(0, "0");
  if (text.front() == '-' && digits != "0") digits.insert(0, "-");
  return digits;
}

// Digits with separators, a point, a sign: the last such run that holds a digit.
std::string_view last_number(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && (is_digit(text[begin - 1]) || ((text[begin - 1] == ',' || text[begin - 1] == '.') && begin > 1 &&
                                                     is_digit(text[begin - 2])))) {
    --begin;
  }
  const bool point_first = begin > 0 && text[begin - 1] == '.' && begin < end;
  if (point_first && (begin == 1 || is_space(text[begin - 2]))) --begin;
  const bool sign =
      begin > 0 && text[begin - 1] == '-' && (begin == 1 || !(is_digit(text[begin - 2]) || is_letter(text[begin - 2])));
  return text.substr(begin - (sign ? 1 : 0), end - begin + (sign ? 1 : 0));
}

std::optional<std::string_view> after_hashes(std::string_view text) {
  constexpr std::string_view kHashes = "####";
  const std::size_t at = text.rfind(kHashes);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kHashes.size());
  return text.substr(0, text.find('\n'));
}

std::string_view last_letter(std::string_view text) {
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] < 'A' || text[i] > 'J') continue;
    const bool begins = i == 0 || !(is_letter(text[i - 1]) || is_digit(text[i - 1]));
    const bool ends = i + 1 == text.size() || !(is_letter(text[i + 1]) || is_digit(text[i + 1]));
    if (begins && ends) return text.substr(i, 1);
  }
  return {};
}

std::optional<JsonValue> first_object(std::string_view text) {
  constexpr int kMostTries = 16;
  std::size_t begin = text.find('{');
  for (int tries = 0; begin != std::string_view::npos && tries < kMostTries; ++tries) {
    // The object ends where its braces are balanced, those in its strings aside.
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = begin; i < text.size(); ++i) {
      if (quoted && text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        quoted = !quoted;
      } else if (!quoted && text[i] == '{') {
        ++depth;
      } else if (!quoted && text[i] == '}' && --depth == 0) {
        try {
          return parse_json_text(text.substr(begin, i + 1 - begin), "answer");
        } catch (const Error&) {
          break;
        }
      }
    }
    begin = text.find('{', begin + 1);
  }
  return std::nullopt;
}

std::string json_text(const JsonValue& value) {
  if (const std::string* text = value.string()) return *text;
  if (const auto whole = value.integer()) return std::to_string(*whole);
  if (const auto flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto number = value.number()) {
    std::array<char, 64> digits{};
    const auto [end, failure] = std::to_chars(digits.data(), digits.data() + digits.size(), *number);
    if (failure == std::errc()) return {digits.data(), end};
  }
  return {};
}

std::string json_member(std::string_view text, std::string_view path) {
  const std::optional<JsonValue> object = first_object(text);
  const JsonValue* value = object ? &*object : nullptr;
  while (value != nullptr && !path.empty()) {
    const std::size_t point = std::min(path.find('.'), path.size());
    value = value->find(path.substr(0, point));
    path.remove_prefix(std::min(point + 1, path.size()));
  }
  return value == nullptr ? std::string() : json_text(*value);
}

}  // namespace

AnswerRule::AnswerRule(std::string_view rule) {
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kNamed = {{{"", Kind::automatic},
                                                                        {"auto", Kind::automatic},
                                                                        {"####", Kind::hashes},
                                                                        {"number", Kind::number},
                                                                        {"letter", Kind::letter},
                                                                        {"text", Kind::text}}};
  const auto* named = std::ranges::find(kNamed, rule, &std::pair<std::string_view, Kind>::first);
  if (named != kNamed.end()) {
    kind_ = named->second;
  } else if (rule.starts_with("json:") && rule.size() > 5) {
    kind_ = Kind::json;
    name_ = rule.substr(5);
  } else if (rule.starts_with("regex:") && rule.size() > 6) {
    kind_ = Kind::regex;
    pattern_ = std::make_shared<const Regex>(rule.substr(6));
  } else {
    throw Error("--extract: there is no rule '" + std::string(rule) +
                "': choose auto, ####, number, letter, text, json:NAME or regex:EXPRESSION");
  }
}

std::string AnswerRule::extract(std::string_view text) const {
  switch (kind_) {
    case Kind::automatic:
      if (const auto hashes = after_hashes(text)) return normal_answer(*hashes);
      if (const std::string_view number = last_number(text); !number.empty()) return normal_answer(number);
      return normal_answer(text);
    case Kind::hashes:
      return normal_answer(after_hashes(text).value_or(std::string_view()));
    case Kind::number:
      return normal_answer(last_number(text));
    case Kind::letter:
      return normal_answer(last_letter(text));
    case Kind::text:
      return normal_answer(text);
    case Kind::json:
      return normal_answer(json_member(text, name_));
    case Kind::regex:
      return normal_answer(pattern_->last_match(text).value_or(std::string_view()));
  }
  return {};
}

std::string normal_answer(std::string_view answer) {
  std::string_view text = without_spaces(answer);
  if (!text.empty() && text.back() == '.') text = without_spaces(text.substr(0, text.size() - 1));
  std::string_view bare = text;
  if (!bare.empty() && bare.back() == '%') bare = without_spaces(bare.substr(0, bare.size() - 1));
  const bool negative = bare.starts_with('-');
  if (negative) bare.remove_prefix(1);
  for (const std::string_view sign : {"$", "€", "£", "¥"}) {
    if (bare.starts_with(sign)) bare = without_spaces(bare.substr(sign.size()));
  }
  if (auto number = plain_number(bare)) return (negative && *number != "0" ? "-" : "") + *number;
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return small;
}

std::string most_frequent_answer(const std::vector<std::string>& answers) {
  std::map<std::string, std::int32_t> votes;
  std::int32_t most = 0;
  for (const std::string& answer : answers) {
    if (!answer.empty()) most = std::max(most, ++votes[answer]);
  }
  for (const std::string& answer : answers) {
    if (!answer.empty() && votes[answer] == most) return answer;
  }
  return {};
}

}  // namespace covey
