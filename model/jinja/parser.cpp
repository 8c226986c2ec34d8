#include "model/jinja/parser.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <string>

#include "model/jinja/expression_parser.hpp"
#include "model/jinja/token_stream.hpp"

namespace covey::jinja {
namespace {

constexpr int kMostBlockNesting = 60;

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokens_of(source)), expressions_(tokens_) {}

  Body run() { return body("", {}); }

 private:
  using Names = std::initializer_list<std::string_view>;

  /// Statements up to a tag named as one of `ends`, of which {% and the name are taken. `owner`, whose tag was
  /// taken last, is what they belong to.
  Body body(std::string_view owner, Names ends) {
    if (++nesting_ > kMostBlockNesting)
      tokens_.fail("blocks nest deeper than " + std::to_string(kMostBlockNesting) + " levels");
    const int begin = tokens_.last_line();
    Body statements;
    for (;;) {
      if (tokens_.is(TokenType::end)) {
        if (ends.size() != 0) throw TemplateError(begin, "'" + std::string(owner) + "' is never closed");
        break;
      }
      const int line = tokens_.line();
      if (tokens_.is(TokenType::text)) {
        statements.push_back({line, Text{tokens_.take().text}});
      } else if (tokens_.is(TokenType::variable_begin)) {
        tokens_.take();
        statements.push_back({line, Print{expressions_.tuple()}});
        tokens_.expect(TokenType::variable_end, "'}}'");
      } else {
        tokens_.expect(TokenType::block_begin, "a tag");
        const Token name = tokens_.expect(TokenType::name, "a tag's name");
        if (std::find(ends.begin(), ends.end(), name.text) != ends.end()) {
          end_ = name.text;
          break;
        }
        statement(statements, name);
      }
    }
    --nesting_;
    return statements;
  }

  void close_tag() { tokens_.expect(TokenType::block_end, "'%}'"); }

  void statement(Body& statements, const Token& name) {
    using Parse = Statement::Node (Parser::*)();
    static constexpr std::pair<std::string_view, Parse> kStatements[] = {{"if", &Parser::if_tag},
                                                                         {"for", &Parser::for_tag},
                                                                         {"set", &Parser::set_tag},
                                                                         {"macro", &Parser::macro_tag},
                                                                         {"call", &Parser::call_tag},
                                                                         {"filter", &Parser::filter_tag},
                                                                         {"with", &Parser::with_tag},
                                                                         {"break", &Parser::break_tag},
                                                                         {"continue", &Parser::continue_tag},
                                                                         {"generation", &Parser::generation_tag}};
    for (const auto& [known, parse] : kStatements) {
      if (name.text == known) {
        statements.push_back({name.line, (this->*parse)()});
        return;
      }
    }
    refuse(name);
  }

  [[noreturn]] static void refuse(const Token& name) {
    static constexpr std::array<std::string_view, 5> kOtherFiles = {"include", "import", "from", "extends", "block"};
    if (std::find(kOtherFiles.begin(), kOtherFiles.end(), name.text) != kOtherFiles.end())
      throw TemplateError(name.line, "'" + name.text + "' needs other templates, and a chat template stands alone");
    if (name.text.starts_with("end") || name.text.starts_with("el"))
      throw TemplateError(name.line, "'" + name.text + "' closes nothing that is open here");
    throw TemplateError(name.line, "there is no tag '" + name.text + "'");
  }

  Statement::Node if_tag() {
    If node;
    do {
      ExpressionPtr condition = expressions_.tuple();
      close_tag();
      node.branches.emplace_back(std::move(condition), body("if", {"elif", "else", "endif"}));
    } while (end_ == "elif");
    if (end_ == "else") {
      close_tag();
      node.otherwise = body("if", {"endif"});
    }
    close_tag();
    return node;
  }

  Statement::Node for_tag() {
    For node;
    node.target = target();
    tokens_.expect_name("in");
    node.items = expressions_.tuple(false);
    if (tokens_.take_name("if")) node.filter = expressions_.expression();
    if (tokens_.is_name("recursive")) tokens_.fail("recursive loops aren't supported: a macro can call itself");
    close_tag();
    ++loops_;
    node.body = body("for", {"else", "endfor"});
    --loops_;
    if (end_ == "else") {
      close_tag();
      node.otherwise = body("for", {"endfor"});
    }
    close_tag();
    return node;
  }

  Statement::Node set_tag() {
    Target to = target(true);
    if (tokens_.take_op("=")) {
      ExpressionPtr value = expressions_.tuple();
      close_tag();
      return Set{std::move(to), std::move(value)};
    }
    ExpressionPtr filtered = expressions_.filters_of_block(false);
    close_tag();
    Body text = body("set", {"endset"});
    close_tag();
    return SetBlock{std::move(to), std::move(filtered), std::move(text)};
  }

  Statement::Node macro_tag() {
    MacroNode macro;
    macro.line = tokens_.line();
    macro.name = tokens_.expect(TokenType::name, "the macro's name").text;
    macro.parameters = parameters();
    return MacroDefinition{macro_body(std::move(macro), "macro", "endmacro")};
  }

  Statement::Node call_tag() {
    MacroNode caller;
    caller.line = tokens_.line();
    caller.name = "caller";
    if (tokens_.is_op("(")) caller.parameters = parameters();
    ExpressionPtr call = expressions_.expression();
    if (!std::holds_alternative<Call>(call->node)) tokens_.fail("'call' needs a macro that is called");
    return CallBlock{std::move(call), macro_body(std::move(caller), "call", "endcall")};
  }

  std::vector<Parameter> parameters() {
    std::vector<Parameter> all;
    tokens_.expect_op("(");
    while (!tokens_.take_op(")")) {
      if (!all.empty()) {
        tokens_.expect_op(",");
        if (tokens_.take_op(")")) break;
      }
      Parameter parameter;
      parameter.name = tokens_.expect(TokenType::name, "a parameter's name").text;
      if (tokens_.take_op("=")) {
        parameter.otherwise = expressions_.expression();
      } else if (!all.empty() && all.back().otherwise) {
        tokens_.fail("a parameter without a default follows one that has one");
      }
      all.push_back(std::move(parameter));
    }
    return all;
  }

  std::shared_ptr<const MacroNode> macro_body(MacroNode macro, std::string_view owner, std::string_view end) {
    close_tag();
    std::set<std::string> used;
    expressions_.swap_names(used);  // those of the macro around this one
    const int loops = std::exchange(loops_, 0);
    macro.body = body(owner, {end});
    loops_ = loops;
    close_tag();
    expressions_.swap_names(used);
    macro.takes_rest = used.contains("varargs");
    macro.takes_named = used.contains("kwargs");
    return std::make_shared<const MacroNode>(std::move(macro));
  }

  Statement::Node filter_tag() {
    ExpressionPtr filtered = expressions_.filters_of_block(true);
    close_tag();
    Body text = body("filter", {"endfilter"});
    close_tag();
    return FilterBlock{std::move(filtered), std::move(text)};
  }

  Statement::Node with_tag() {
    With node;
    while (!tokens_.is(TokenType::block_end)) {
      if (!node.values.empty()) tokens_.expect_op(",");
      Target to = target();
      tokens_.expect_op("=");
      node.values.emplace_back(std::move(to), expressions_.expression());
    }
    close_tag();
    node.body = body("with", {"endwith"});
    close_tag();
    return node;
  }

  Statement::Node generation_tag() {
    close_tag();
    With node;
    node.body = body("generation", {"endgeneration"});
    close_tag();
    return node;
  }

  Statement::Node break_tag() { return leaves_loop(Break{}); }
  Statement::Node continue_tag() { return leaves_loop(Continue{}); }

  Statement::Node leaves_loop(Statement::Node node) {
    if (loops_ == 0) tokens_.fail("'break' and 'continue' belong inside of a loop");
    close_tag();
    return node;
  }

  /// `name`, `name.attribute` where that is allowed, or several in a row.
  Target target(bool with_attribute = false) {
    Target first = single_target(with_attribute);
    if (!tokens_.is_op(",")) return first;
    Target all;
    all.several.push_back(std::move(first));
    while (tokens_.take_op(",") && !tokens_.is_name("in") && !tokens_.is_op("=") && !tokens_.is_op(")"))
      all.several.push_back(single_target(with_attribute));
    return all;
  }

  Target single_target(bool with_attribute) {
    if (tokens_.take_op("(")) {
      if (++nesting_ > kMostBlockNesting) tokens_.fail("targets nest too deep");
      Target inner = target(with_attribute);
      --nesting_;
      tokens_.expect_op(")");
      return inner;
    }
    Target single;
    single.name = tokens_.expect(TokenType::name, "a name to assign to").text;
    if (with_attribute && tokens_.take_op("."))
      single.attribute = tokens_.expect(TokenType::name, "an attribute's name").text;
    return single;
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  std::string end_;  // the tag that ended the last body
  int nesting_ = 0;
  int loops_ = 0;  // that break and continue can leave
};

}  // namespace

Body parse_template(std::string_view source) { return Parser(source).run(); }

}  // namespace covey::jinja
