// The expressions of a template.
// Source: https://jinja.palletsprojects.com/en/stable/templates/#expressions
#pragma once

#include <set>
#include <string>
#include <vector>

#include "model/jinja/ast.hpp"
#include "model/jinja/token_stream.hpp"

namespace covey::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  // All throw TemplateError.

  /// One expression; `with_condition`: it may be `a if b else c`.
  ExpressionPtr expression(bool with_condition = true);
  /// Also a tuple without parentheses: `a, b`.
  ExpressionPtr tuple(bool with_condition = true);
  /// `|name(…)|name`, applied to the text of a block. The first | is left out if `bare`.
  ExpressionPtr filters_of_block(bool bare);

  /// Exchanges the names that occurred so far, for a macro to know its own.
  void swap_names(std::set<std::string>& names) { names_.swap(names); }

 private:
  class Nesting;
  ExpressionPtr make(int line, Expression::Node node, std::vector<ExpressionPtr> parts = {});
  template <class... Parts>
  ExpressionPtr make_of(int line, Expression::Node node, Parts... parts) {
    std::vector<ExpressionPtr> all;
    (all.push_back(std::move(parts)), ...);
    return make(line, std::move(node), std::move(all));
  }

  ExpressionPtr any_of();    // or
  ExpressionPtr all_of();    // and
  ExpressionPtr negation();  // not
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr joined();  // ~
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters = true);
  ExpressionPtr primary();
  ExpressionPtr named();
  ExpressionPtr number();
  ExpressionPtr parenthesized();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr member(ExpressionPtr object);
  ExpressionPtr subscript(ExpressionPtr object);
  ExpressionPtr call(ExpressionPtr callee);
  ExpressionPtr filters(ExpressionPtr value);
  ExpressionPtr filter(ExpressionPtr input);
  ExpressionPtr test(ExpressionPtr input);
  Passed arguments(std::vector<ExpressionPtr>& parts);
  bool ends_sequence() const;

  TokenStream& tokens_;
  int nesting_ = 0;
  std::set<std::string> names_;
};

}  // namespace covey::jinja
