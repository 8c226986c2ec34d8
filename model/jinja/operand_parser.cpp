// The operands of expressions: literals, and what follows a value.
#include <array>
#include <charconv>
#include <optional>

#include "model/jinja/expression_parser.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/tests.hpp"

namespace covey::jinja {
namespace {

bool is_keyword(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kKeywords = {"and", "or", "not", "in", "is", "if", "else"};
  return std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end();
}

std::optional<Value> constant(std::string_view name) {
  if (name == "true" || name == "True") return Value(true);
  if (name == "false" || name == "False") return Value(false);
  if (name == "none" || name == "None") return Value(None{});
  return std::nullopt;
}

}  // namespace

ExpressionPtr ExpressionParser::primary() {
  switch (tokens_.current().type) {
    case TokenType::name:
      return named();
    case TokenType::string: {
      Token token = tokens_.take();
      while (tokens_.is(TokenType::string)) token.text += tokens_.take().text;  // as in "a" "b"
      return make(token.line, Literal{Value(std::move(token.text))});
    }
    case TokenType::integer:
    case TokenType::real:
      return number();
    default:
      if (tokens_.is_op("(")) return parenthesized();
      if (tokens_.is_op("[")) return list();
      if (tokens_.is_op("{")) return dict();
      tokens_.unexpected("a value");
  }
}

ExpressionPtr ExpressionParser::named() {
  if (is_keyword(tokens_.current().text)) tokens_.unexpected("a value");
  Token token = tokens_.take();
  if (auto value = constant(token.text)) return make(token.line, Literal{*value});
  names_.insert(token.text);
  return make(token.line, Name{std::move(token.text)});
}

ExpressionPtr ExpressionParser::number() {
  const Token token = tokens_.take();
  std::string_view digits = token.text;
  if (token.type == TokenType::real) {
    double value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec != std::errc()) throw TemplateError(token.line, "the number " + token.text + " is out of range");
    return make(token.line, Literal{Value(value)});
  }
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0' && digits[1] > '9') {
    const char letter = static_cast<char>(digits[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    digits.remove_prefix(2);
  }
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (read.ec == std::errc::result_out_of_range)
    throw TemplateError(token.line, "the number " + token.text + " needs more than 64 bits");
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size())
    throw TemplateError(token.line, "'" + token.text + "' is no number");
  return make(token.line, Literal{Value(value)});
}

ExpressionPtr ExpressionParser::parenthesized() {
  const int line = tokens_.take().line;
  if (tokens_.take_op(")")) return make(line, Sequence{ListKind::tuple});
  ExpressionPtr inner = tuple();
  tokens_.expect_op(")");
  return inner;
}

ExpressionPtr ExpressionParser::list() {
  const int line = tokens_.take().line;
  std::vector<ExpressionPtr> items;
  while (!tokens_.take_op("]")) {
    if (!items.empty()) {
      tokens_.expect_op(",");
      if (tokens_.take_op("]")) break;
    }
    items.push_back(expression());
  }
  return make(line, Sequence{ListKind::list}, std::move(items));
}

ExpressionPtr ExpressionParser::dict() {
  const int line = tokens_.take().line;
  std::vector<ExpressionPtr> parts;
  while (!tokens_.take_op("}")) {
    if (!parts.empty()) {
      tokens_.expect_op(",");
      if (tokens_.take_op("}")) break;
    }
    parts.push_back(expression());
    tokens_.expect_op(":");
    parts.push_back(expression());
  }
  return make(line, Mapping{}, std::move(parts));
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr value) {
  for (;;) {
    if (tokens_.is_op(".")) {
      value = member(std::move(value));
    } else if (tokens_.is_op("[")) {
      value = subscript(std::move(value));
    } else if (tokens_.is_op("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::member(ExpressionPtr object) {
  const int line = tokens_.take().line;
  if (tokens_.is(TokenType::integer)) return make_of(line, Item{}, std::move(object), number());
  Token name = tokens_.expect(TokenType::name, "an attribute's name");
  return make_of(line, Attribute{std::move(name.text)}, std::move(object));
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object) {
  const int line = tokens_.take().line;
  ExpressionPtr bounds[3];
  std::size_t colons = 0;
  while (!tokens_.is_op("]")) {
    if (tokens_.is_op(":")) {
      if (++colons > 2) tokens_.unexpected("']'");
      tokens_.take();
    } else if (!bounds[colons]) {
      bounds[colons] = tuple();
    } else {
      tokens_.unexpected("']'");
    }
  }
  tokens_.take();
  if (colons > 0)
    return make_of(line, Slice{}, std::move(object), std::move(bounds[0]), std::move(bounds[1]), std::move(bounds[2]));
  if (!bounds[0]) throw TemplateError(line, "[] needs an index");
  return make_of(line, Item{}, std::move(object), std::move(bounds[0]));
}

ExpressionPtr ExpressionParser::call(ExpressionPtr callee) {
  const int line = tokens_.line();
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(callee));
  Call node{arguments(parts)};
  return make(line, std::move(node), std::move(parts));
}

Passed ExpressionParser::arguments(std::vector<ExpressionPtr>& parts) {
  Passed passed;
  ExpressionPtr items, entries;
  tokens_.expect_op("(");
  for (bool first = true; !tokens_.take_op(")"); first = false) {
    if (!first) {
      tokens_.expect_op(",");
      if (tokens_.take_op(")")) break;
    }
    const bool named =
        tokens_.is(TokenType::name) && tokens_.ahead().type == TokenType::op && tokens_.ahead().text == "=";
    if (!items && !entries && tokens_.take_op("*")) {
      items = expression();
    } else if (!entries && tokens_.take_op("**")) {
      entries = expression();
    } else if (named && !entries) {
      passed.names.push_back(tokens_.take().text);
      tokens_.take();
      parts.push_back(expression());
    } else if (passed.names.empty() && !items && !entries) {
      ++passed.positional;
      parts.push_back(expression());
    } else {
      tokens_.fail("arguments by position come first, then those by name, then *items and **entries");
    }
  }
  passed.items = items != nullptr;
  passed.entries = entries != nullptr;
  if (items) parts.push_back(std::move(items));
  if (entries) parts.push_back(std::move(entries));
  return passed;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr value) {
  for (;;) {
    if (tokens_.is_op("|")) {
      value = filter(std::move(value));
    } else if (tokens_.is_name("is")) {
      value = test(std::move(value));
    } else if (tokens_.is_op("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::filters_of_block(bool bare) {
  ExpressionPtr value = make(tokens_.line(), BlockText{});
  if (bare) value = filter(std::move(value));
  while (tokens_.is_op("|")) value = filter(std::move(value));
  return value;
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr input) {
  tokens_.take_op("|");
  const Token name = tokens_.expect(TokenType::name, "a filter's name");
  const Filter* found = find_filter(name.text);
  if (!found) throw TemplateError(name.line, "there is no filter '" + name.text + "'");
  FilterUse node{found, {}};
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(input));
  if (tokens_.is_op("(")) node.passed = arguments(parts);
  return make(name.line, std::move(node), std::move(parts));
}

ExpressionPtr ExpressionParser::test(ExpressionPtr input) {
  tokens_.take();  // is
  const bool negated = tokens_.take_name("not");
  const Token name = tokens_.is_name("in") ? tokens_.take() : tokens_.expect(TokenType::name, "a test's name");
  const Test* found = find_test(name.text);
  if (!found) throw TemplateError(name.line, "there is no test '" + name.text + "'");
  TestUse node{found, {}};
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(input));
  const bool begins_value = tokens_.is(TokenType::string) || tokens_.is(TokenType::integer) ||
                            tokens_.is(TokenType::real) || tokens_.is_op("[") || tokens_.is_op("{") ||
                            (tokens_.is(TokenType::name) && !is_keyword(tokens_.current().text));
  if (tokens_.is_op("(")) {
    node.passed = arguments(parts);
  } else if (begins_value) {
    node.passed.positional = 1;
    parts.push_back(postfix(primary()));
  }
  ExpressionPtr result = make(name.line, std::move(node), std::move(parts));
  return negated ? make_of(name.line, Not{}, std::move(result)) : std::move(result);
}

}  // namespace covey::jinja
