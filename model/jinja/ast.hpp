// A template as a tree.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/jinja/operators.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

struct Filter;
struct Test;
struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

// Kinds of expressions. `parts` of the expression are listed behind each.
struct Literal {  // -
  Value value;
};
struct Name {  // -
  std::string name;
};
struct BlockText {};  // - : what stands between {% filter … %} and {% endfilter %}
struct Sequence {     // items
  ListKind kind;
};
struct Mapping {};   // key, value, key, value, …
struct Negate {};    // operand
struct Positive {};  // operand
struct Not {};       // operand
struct And {};       // left, right
struct Or {};        // left, right
struct Binary {      // left, right
  BinaryOp op;
};
struct Join {};      // operands of ~
struct Comparison {  // operands: one more than ops
  std::vector<CompareOp> ops;
};
struct Conditional {};  // then, condition, otherwise or null
struct Attribute {      // object
  std::string name;
};
struct Item {};   // object, index
struct Slice {};  // object, begin, end, step; each bound may be null
/// How the last of the parts become arguments: first those by position, then those by name, then *items and **entries.
struct Passed {
  std::size_t positional = 0;
  std::vector<std::string> names;
  bool items = false, entries = false;
};
struct Call {  // callee, arguments
  Passed passed;
};
struct FilterUse {  // input, arguments
  const Filter* filter;
  Passed passed;
};
struct TestUse {  // input, arguments
  const Test* test;
  Passed passed;
};

struct Expression {
  using Node = std::variant<Literal, Name, BlockText, Sequence, Mapping, Negate, Positive, Not, And, Or, Binary, Join,
                            Comparison, Conditional, Attribute, Item, Slice, Call, FilterUse, TestUse>;
  int line;
  Node node;
  std::vector<ExpressionPtr> parts;
  int depth;  ///< levels of expressions in it, itself included
};

/// What is assigned to: a name, an attribute of a namespace, or several targets that a value is unpacked to.
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> several;
};

struct Statement;
using Body = std::vector<Statement>;

struct Parameter {
  std::string name;
  ExpressionPtr otherwise;  ///< null: none
};

/// A macro, or what stands between {% call %} and {% endcall %}.
struct MacroNode {
  int line;
  std::string name;
  std::vector<Parameter> parameters;
  bool takes_rest = false, takes_named = false;  ///< `varargs` and `kwargs` occur in it
  Body body;
};

// Kinds of statements.
struct Text {
  std::string text;
};
struct Print {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPtr items;
  ExpressionPtr filter;  ///< null: none
  Body body, otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filtered;  ///< of BlockText
  Body body;
};
struct MacroDefinition {
  std::shared_ptr<const MacroNode> macro;
};
struct CallBlock {
  ExpressionPtr call;
  std::shared_ptr<const MacroNode> caller;
};
struct FilterBlock {
  ExpressionPtr filtered;  ///< of BlockText
  Body body;
};
/// Own names for a part: {% with %}; {% generation %}, which marks what the assistant says.
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> values;
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  using Node =
      std::variant<Text, Print, If, For, Set, SetBlock, MacroDefinition, CallBlock, FilterBlock, With, Break, Continue>;
  int line;
  Node node;
};

}  // namespace covey::jinja
