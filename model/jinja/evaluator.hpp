// Walks the tree of a template and writes what it says.
#pragma once

#include <memory>
#include <string>

#include "model/jinja/ast.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/scope.hpp"

namespace covey::jinja {

/// What a statement does to the loop around it.
enum class Flow : std::uint8_t { go_on, next_round, leave_loop };

/// The tree must outlive it. What it throws is Error; the runtime then knows the line.
class Evaluator {
 public:
  Evaluator(Runtime& runtime, std::shared_ptr<Scope> scope, std::string& output)
      : runtime_(runtime), scope_(std::move(scope)), output_(&output) {}

  Flow run(const Body& body);
  Value evaluate(const Expression& expression);

 private:
  class Inner;

  // Statements.
  Flow run(const Text& node);
  Flow run(const Print& node);
  Flow run(const If& node);
  Flow run(const For& node);
  Flow run(const Set& node);
  Flow run(const SetBlock& node);
  Flow run(const MacroDefinition& node);
  Flow run(const CallBlock& node);
  Flow run(const FilterBlock& node);
  Flow run(const With& node);
  Flow run(const Break&) { return Flow::leave_loop; }
  Flow run(const Continue&) { return Flow::next_round; }

  void write(const std::string& text);
  void assign(const Target& target, const Value& value);
  std::vector<Value> loop_items(const For& node);
  /// The output of `body`, with names of its own, put through `filtered`.
  Value captured(const Body& body, const Expression& filtered, Flow& flow);
  Value macro(const std::shared_ptr<const MacroNode>& node);

  // Expressions; `at` is the whole, with its parts.
  Value of(const Literal& node, const Expression& at);
  Value of(const Name& node, const Expression& at);
  Value of(const BlockText& node, const Expression& at);
  Value of(const Sequence& node, const Expression& at);
  Value of(const Mapping& node, const Expression& at);
  Value of(const Negate& node, const Expression& at);
  Value of(const Positive& node, const Expression& at);
  Value of(const Not& node, const Expression& at);
  Value of(const And& node, const Expression& at);
  Value of(const Or& node, const Expression& at);
  Value of(const Binary& node, const Expression& at);
  Value of(const Join& node, const Expression& at);
  Value of(const Comparison& node, const Expression& at);
  Value of(const Conditional& node, const Expression& at);
  Value of(const Attribute& node, const Expression& at);
  Value of(const Item& node, const Expression& at);
  Value of(const Slice& node, const Expression& at);
  Value of(const Call& node, const Expression& at);
  Value of(const FilterUse& node, const Expression& at);
  Value of(const TestUse& node, const Expression& at);

  Value part(const Expression& at, std::size_t i) { return evaluate(*at.parts[i]); }
  Value optional_part(const Expression& at, std::size_t i) { return at.parts[i] ? part(at, i) : Value(); }
  Arguments arguments(const Passed& passed, const Expression& at);
  Value call(const Call& node, const Expression& at, const Value* caller);

  Runtime& runtime_;
  std::shared_ptr<Scope> scope_;
  std::string* output_;
  Value block_text_;
};

}  // namespace covey::jinja
