#include "model/grammar/json_rules.hpp"

#include <charconv>
#include <utility>

#include "covey/error.hpp"
#include "model/grammar/gbnf.hpp"
#include "model/jinja/dict.hpp"

namespace covey::grammar {
namespace {

constexpr std::string_view kFormatPrefix = "format-";

// Space is bounded, so that a text can't consist of it. A number has no more digits than every reader keeps. An escape
// is never half a surrogate pair, which is no character.
constexpr std::string_view kJson = R"(
root ::= value
ws ::= ( " " | "\n" [ \t]{0,40} )?
colon ::= ":" ws
comma ::= "," ws
value ::= object | array | string | number | boolean | null
object ::= "{" ws ( member ( comma member )* ws )? "}"
member ::= string colon value
array ::= "[" ws ( value ( comma value )* ws )? "]"
string ::= "\"" character* "\""
character ::= [^"\\\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" unit )
unit ::= [0-9A-CE-Fa-ce-f] hex{3} | [Dd] [0-7] hex{2} | [Dd] [89ABab] hex{2} "\\u" [Dd] [C-Fc-f] hex{2}
hex ::= [0-9A-Fa-f]
number ::= "-"? whole fraction? ( [Ee] [-+]? [0-9]{1,2} )?
whole ::= "0" | [1-9] [0-9]{0,14}
fraction ::= "." [0-9]{1,15}
boolean ::= "true" | "false"
null ::= "null"

format-date ::= year "-" ( "0" [13578] | "1" [02] ) "-" ( day | "29" | "30" | "31" )
  | year "-" ( "0" [469] | "11" ) "-" ( day | "29" | "30" ) | year "-02-" day | leap-year "-02-29"
year ::= [0-9]{4}
leap-year ::= [0-9]{2} ( "0" [48] | [2468] [048] | [13579] [26] ) | ( [02468] [048] | [13579] [26] ) "00"
day ::= "0" [1-9] | "1" [0-9] | "2" [0-8]
format-time ::= hour ":" minute ":" minute ( "." [0-9]{1,9} )? ( "Z" | [-+] hour ":" minute )
hour ::= [01] [0-9] | "2" [0-3]
minute ::= [0-5] [0-9]
format-date-time ::= format-date "T" format-time
format-uuid ::= hex{8} ( "-" hex{4} ){3} "-" hex{12}
)";

struct Escape {
  char32_t code;
  std::string_view text;
};
constexpr Escape kEscapes[] = {{U'"', R"(\")"},  {U'\\', R"(\\)"}, {U'\b', R"(\b)"}, {U'\f', R"(\f)"},
                               {U'\n', R"(\n)"}, {U'\r', R"(\r)"}, {U'\t', R"(\t)"}};
constexpr char32_t kFirstUnescaped = 0x20;

std::string escaped(char32_t code) {
  for (const Escape& escape : kEscapes) {
    if (escape.code == code) return std::string(escape.text);
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  return std::string(R"(\u00)") + kDigits[code / 16] + kDigits[code % 16];
}

const CodeSet& to_escape() {
  static const CodeSet kSet({{0, kFirstUnescaped - 1}, {U'"', U'"'}, {U'\\', U'\\'}});
  return kSet;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < kFirstUnescaped || c == '"' || c == '\\') {
      out += escaped(code);
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

JsonRules::JsonRules() : rules_(parse_gbnf(kJson, "JSON")) {
  for (std::uint32_t id = 0; id < rules_.rules.size(); ++id) ids_.emplace(rules_.rules[id].name, id);
}

Expression JsonRules::rule(std::string_view name) const { return rule_reference(ids_.at(std::string(name))); }

std::uint32_t JsonRules::reserve(std::string name) {
  rules_.rules.push_back({std::move(name), {}, false, 0});
  return static_cast<std::uint32_t>(rules_.rules.size() - 1);
}

void JsonRules::define(std::uint32_t rule, Expression body) {
  rules_.rules[rule].body = std::move(body);
  rules_.rules[rule].defined = true;
}

Expression JsonRules::add(std::string name, Expression body) {
  const std::uint32_t rule = reserve(std::move(name));
  define(rule, std::move(body));
  return rule_reference(rule);
}

Rules JsonRules::take(std::uint32_t root) {
  rules_.root = root;
  return std::move(rules_);
}

Expression json_characters(const CodeSet& set) {
  std::vector<Expression> parts;
  CodeSet plain = set.without(to_escape());
  if (!plain.empty()) parts.push_back(characters(std::move(plain)));
  for (const CodeSet::Range& range : to_escape().ranges()) {
    for (char32_t code = range.first; code <= range.last; ++code) {
      if (set.contains(code)) parts.push_back(literal(escaped(code)));
    }
  }
  return parts.empty() ? characters({}) : choice(std::move(parts));
}

std::string format_names() {
  std::string names;
  for (std::string_view rest = kJson; rest.find("\nformat-") != std::string_view::npos;) {
    rest.remove_prefix(rest.find("\nformat-") + 1 + kFormatPrefix.size());
    names += (names.empty() ? "" : ", ") + std::string(rest.substr(0, rest.find(' ')));
  }
  return names;
}

std::string json_text(const jinja::Value& value) {
  switch (value.kind()) {
    case jinja::Kind::boolean:
      return value.boolean() ? "true" : "false";
    case jinja::Kind::integer:
      return std::to_string(value.integer());
    case jinja::Kind::real: {
      char digits[32];
      const auto end = std::to_chars(digits, digits + sizeof digits, value.number());
      return {digits, end.ptr};
    }
    case jinja::Kind::string:
      return in_quotes(value.text());
    case jinja::Kind::list: {
      std::string out;
      for (const jinja::Value& item : value.items()) out += (out.empty() ? "" : ", ") + json_text(item);
      return "[" + out + "]";
    }
    case jinja::Kind::dict: {
      std::string out;
      for (const auto& [key, item] : value.dict().entries()) {
        out += (out.empty() ? "" : ", ") + json_text(key) + ": " + json_text(item);
      }
      return "{" + out + "}";
    }
    default:
      return "null";
  }
}

}  // namespace covey::grammar
