// Tokens, taken one by one.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/jinja/lexer.hpp"
#include "model/jinja/template_error.hpp"

namespace covey::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return current().line; }
  /// Of the token that was taken last.
  int last_line() const { return last_line_; }
  bool is(TokenType type) const { return current().type == type; }
  bool is_op(std::string_view op) const { return is(TokenType::op) && current().text == op; }
  bool is_name(std::string_view name) const { return is(TokenType::name) && current().text == name; }

  /// The current token, which is left behind. The end stays.
  Token take() {
    const Token& token = current();
    last_line_ = token.line;
    if (token.type != TokenType::end) ++at_;
    return token;
  }
  bool take_op(std::string_view op) { return is_op(op) && (take(), true); }
  bool take_name(std::string_view name) { return is_name(name) && (take(), true); }

  // Throw TemplateError if something else stands there.
  void expect_op(std::string_view op) {
    if (!take_op(op)) unexpected("'" + std::string(op) + "'");
  }
  void expect_name(std::string_view name) {
    if (!take_name(name)) unexpected("'" + std::string(name) + "'");
  }
  Token expect(TokenType type, std::string_view wanted) {
    if (!is(type)) unexpected(wanted);
    return take();
  }

  [[noreturn]] void fail(const std::string& message) const { throw TemplateError(line(), message); }
  [[noreturn]] void unexpected(std::string_view wanted) const {
    fail(std::string(wanted) + " was expected, not " + description());
  }
  /// The current token, as errors name it.
  std::string description() const {
    switch (current().type) {
      case TokenType::text:
        return "text";
      case TokenType::variable_begin:
        return "'{{'";
      case TokenType::variable_end:
        return "'}}'";
      case TokenType::block_begin:
        return "'{%'";
      case TokenType::block_end:
        return "'%}'";
      case TokenType::string:
        return "a string";
      case TokenType::end:
        return "the end of the template";
      default:
        return "'" + current().text + "'";
    }
  }

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int last_line_ = 1;
};

}  // namespace covey::jinja
