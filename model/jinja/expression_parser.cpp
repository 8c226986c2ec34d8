#include "model/jinja/expression_parser.hpp"

#include <algorithm>
#include <optional>

namespace covey::jinja {
namespace {

// Expressions inside each other: more means that the template is no chat template, and would cost stack.
constexpr int kMostExpressionNesting = 80;
constexpr int kMostDepth = 200;

std::optional<CompareOp> compare_op(const Token& token) {
  static constexpr std::pair<std::string_view, CompareOp> kOps[] = {
      {"==", CompareOp::equal},  {"!=", CompareOp::not_equal},  {"<", CompareOp::less},
      {">", CompareOp::greater}, {"<=", CompareOp::less_equal}, {">=", CompareOp::greater_equal}};
  if (token.type != TokenType::op) return std::nullopt;
  for (const auto& [text, op] : kOps) {
    if (token.text == text) return op;
  }
  return std::nullopt;
}

}  // namespace

/// Counts how deep the parser is inside itself.
class ExpressionParser::Nesting {
 public:
  explicit Nesting(ExpressionParser& parser) : nesting_(parser.nesting_) {
    if (nesting_ >= kMostExpressionNesting) parser.tokens_.fail("expressions nest too deep");
    ++nesting_;
  }
  ~Nesting() { --nesting_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& nesting_;
};

ExpressionPtr ExpressionParser::make(int line, Expression::Node node, std::vector<ExpressionPtr> parts) {
  int depth = 1;
  for (const ExpressionPtr& part : parts) depth = part ? std::max(depth, part->depth + 1) : depth;
  if (depth > kMostDepth) throw TemplateError(line, "an expression has too many parts");
  return std::make_unique<const Expression>(Expression{line, std::move(node), std::move(parts), depth});
}

ExpressionPtr ExpressionParser::expression(bool with_condition) {
  const Nesting nesting(*this);
  ExpressionPtr value = any_of();
  while (with_condition && tokens_.is_name("if")) {
    const int line = tokens_.take().line;
    ExpressionPtr condition = any_of();
    ExpressionPtr otherwise = tokens_.take_name("else") ? expression() : nullptr;
    value = make_of(line, Conditional{}, std::move(value), std::move(condition), std::move(otherwise));
  }
  return value;
}

bool ExpressionParser::ends_sequence() const {
  return tokens_.is(TokenType::variable_end) || tokens_.is(TokenType::block_end) || tokens_.is_op(")") ||
         tokens_.is_name("in");
}

ExpressionPtr ExpressionParser::tuple(bool with_condition) {
  const int line = tokens_.line();
  ExpressionPtr first = expression(with_condition);
  if (!tokens_.is_op(",")) return first;
  std::vector<ExpressionPtr> items;
  items.push_back(std::move(first));
  while (tokens_.take_op(",") && !ends_sequence()) items.push_back(expression(with_condition));
  return make(line, Sequence{ListKind::tuple}, std::move(items));
}

ExpressionPtr ExpressionParser::any_of() {
  ExpressionPtr left = all_of();
  while (tokens_.is_name("or")) {
    const int line = tokens_.take().line;
    left = make_of(line, Or{}, std::move(left), all_of());
  }
  return left;
}

ExpressionPtr ExpressionParser::all_of() {
  ExpressionPtr left = negation();
  while (tokens_.is_name("and")) {
    const int line = tokens_.take().line;
    left = make_of(line, And{}, std::move(left), negation());
  }
  return left;
}

ExpressionPtr ExpressionParser::negation() {
  if (!tokens_.is_name("not")) return comparison();
  const Nesting nesting(*this);
  const int line = tokens_.take().line;
  return make_of(line, Not{}, negation());
}

ExpressionPtr ExpressionParser::comparison() {
  const int line = tokens_.line();
  std::vector<ExpressionPtr> operands;
  operands.push_back(sum());
  Comparison node;
  for (;;) {
    if (const auto op = compare_op(tokens_.current())) {
      tokens_.take();
      node.ops.push_back(*op);
    } else if (tokens_.take_name("in")) {
      node.ops.push_back(CompareOp::in);
    } else if (tokens_.is_name("not") && tokens_.ahead().type == TokenType::name && tokens_.ahead().text == "in") {
      tokens_.take();
      tokens_.take();
      node.ops.push_back(CompareOp::not_in);
    } else {
      break;
    }
    operands.push_back(sum());
  }
  if (node.ops.empty()) return std::move(operands[0]);
  return make(line, std::move(node), std::move(operands));
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = joined();
  while (tokens_.is_op("+") || tokens_.is_op("-")) {
    const Token op = tokens_.take();
    left = make_of(op.line, Binary{op.text == "+" ? BinaryOp::add : BinaryOp::subtract}, std::move(left), joined());
  }
  return left;
}

ExpressionPtr ExpressionParser::joined() {
  const int line = tokens_.line();
  ExpressionPtr first = product();
  if (!tokens_.is_op("~")) return first;
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(first));
  while (tokens_.take_op("~")) parts.push_back(product());
  return make(line, Join{}, std::move(parts));
}

ExpressionPtr ExpressionParser::product() {
  static constexpr std::pair<std::string_view, BinaryOp> kOps[] = {
      {"*", BinaryOp::multiply}, {"/", BinaryOp::divide}, {"//", BinaryOp::floor_divide}, {"%", BinaryOp::modulo}};
  ExpressionPtr left = power();
  for (;;) {
    const auto* op =
        std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& o) { return tokens_.is_op(o.first); });
    if (op == std::end(kOps)) return left;
    const int line = tokens_.take().line;
    left = make_of(line, Binary{op->second}, std::move(left), power());
  }
}

// Unlike in Python, 2 ** 3 ** 2 is (2 ** 3) ** 2, and -2 ** 2 is (-2) ** 2.
ExpressionPtr ExpressionParser::power() {
  ExpressionPtr left = unary();
  while (tokens_.is_op("**")) {
    const int line = tokens_.take().line;
    left = make_of(line, Binary{BinaryOp::power}, std::move(left), unary());
  }
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Nesting nesting(*this);
  const int line = tokens_.line();
  ExpressionPtr value;
  if (tokens_.take_op("-")) {
    value = make_of(line, Negate{}, unary(false));
  } else if (tokens_.take_op("+")) {
    value = make_of(line, Positive{}, unary(false));
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters(std::move(value)) : std::move(value);
}

}  // namespace covey::jinja
