#include "model/grammar/expression.hpp"

namespace covey::grammar {

Expression characters(CodeSet set) {
  Expression made;
  made.kind = Expression::Kind::characters;
  made.set = std::move(set);
  return made;
}

Expression literal(std::string text) {
  Expression made;
  made.kind = Expression::Kind::literal;
  made.text = std::move(text);
  return made;
}

Expression sequence(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expression made;
  made.parts = std::move(parts);
  return made;
}

Expression choice(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expression made;
  made.kind = Expression::Kind::choice;
  made.parts = std::move(parts);
  return made;
}

Expression repeat(Expression part, std::uint32_t least, std::uint32_t most) {
  Expression made;
  made.kind = Expression::Kind::repeat;
  made.least = least;
  made.most = most;
  made.parts.push_back(std::move(part));
  return made;
}

Expression optional(Expression part) { return repeat(std::move(part), 0, 1); }

Expression rule_reference(std::uint32_t rule) {
  Expression made;
  made.kind = Expression::Kind::rule;
  made.rule = rule;
  return made;
}

}  // namespace covey::grammar
