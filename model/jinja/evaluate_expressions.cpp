// The part of the evaluator that gives values.
#include "covey/error.hpp"
#include "model/jinja/access.hpp"
#include "model/jinja/evaluator.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/tests.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {

Value Evaluator::evaluate(const Expression& expression) {
  runtime_.step();
  const Runtime::Level level(runtime_);
  runtime_.line = expression.line;
  return std::visit([&](const auto& node) { return of(node, expression); }, expression.node);
}

Value Evaluator::of(const Literal& node, const Expression&) { return node.value; }

Value Evaluator::of(const Name& node, const Expression&) {
  const Value* value = scope_->find(node.name);
  return value ? *value : Value::undefined("'" + node.name + "' is undefined");
}

Value Evaluator::of(const BlockText&, const Expression&) { return block_text_; }

Value Evaluator::of(const Sequence& node, const Expression& at) {
  std::vector<Value> items;
  items.reserve(at.parts.size());
  for (std::size_t i = 0; i < at.parts.size(); ++i) items.push_back(part(at, i));
  return runtime_.list(std::move(items), node.kind);
}

Value Evaluator::of(const Mapping&, const Expression& at) {
  Dict dict;
  for (std::size_t i = 0; i + 1 < at.parts.size(); i += 2) {
    Value key = part(at, i);
    Value value = part(at, i + 1);
    runtime_.look_up(key);
    dict.set(key, std::move(value));
  }
  return runtime_.dict(std::move(dict));
}

Value Evaluator::of(const Negate&, const Expression& at) { return negated(part(at, 0)); }

Value Evaluator::of(const Positive&, const Expression& at) { return negated(negated(part(at, 0))); }

Value Evaluator::of(const Not&, const Expression& at) { return !part(at, 0).truthy(); }

Value Evaluator::of(const And&, const Expression& at) {
  Value left = part(at, 0);
  return left.truthy() ? part(at, 1) : left;
}

Value Evaluator::of(const Or&, const Expression& at) {
  Value left = part(at, 0);
  return left.truthy() ? left : part(at, 1);
}

Value Evaluator::of(const Binary& node, const Expression& at) {
  const Value left = part(at, 0);
  const Value right = part(at, 1);
  runtime_.line = at.line;
  return calculate(runtime_, node.op, left, right);
}

Value Evaluator::of(const Join&, const Expression& at) {
  std::string text;
  for (std::size_t i = 0; i < at.parts.size(); ++i) {
    const std::string more = to_text(runtime_, part(at, i));
    runtime_.take(more.size());
    text += more;
  }
  return runtime_.string(std::move(text));
}

Value Evaluator::of(const Comparison& node, const Expression& at) {
  Value left = part(at, 0);
  for (std::size_t i = 0; i < node.ops.size(); ++i) {
    Value right = part(at, i + 1);
    runtime_.line = at.line;
    if (!compare(runtime_, node.ops[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Evaluator::of(const Conditional&, const Expression& at) {
  if (part(at, 1).truthy()) return part(at, 0);
  return at.parts[2] ? part(at, 2) : Value::undefined("the condition is false, and there is no else");
}

Value Evaluator::of(const Attribute& node, const Expression& at) {
  const Value object = part(at, 0);
  runtime_.line = at.line;
  return attribute_of(runtime_, object, node.name);
}

Value Evaluator::of(const Item&, const Expression& at) {
  const Value object = part(at, 0);
  const Value index = part(at, 1);
  runtime_.line = at.line;
  return item_of(runtime_, object, index);
}

Value Evaluator::of(const Slice&, const Expression& at) {
  const Value object = part(at, 0);
  const Value begin = optional_part(at, 1), end = optional_part(at, 2), step = optional_part(at, 3);
  runtime_.line = at.line;
  return slice_of(runtime_, object, begin, end, step);
}

Arguments Evaluator::arguments(const Passed& passed, const Expression& at) {
  Arguments given;
  std::size_t i = 1;  // the first part is what they are passed to
  for (std::size_t n = 0; n < passed.positional; ++n) given.positional.push_back(part(at, i++));
  for (const std::string& name : passed.names) given.named.emplace_back(name, part(at, i++));
  if (passed.items) {
    for (Value& item : iterate(runtime_, part(at, i++))) given.positional.push_back(std::move(item));
  }
  if (passed.entries) {
    const Value entries = part(at, i);
    if (!entries.is(Kind::dict)) throw Error("what follows ** must be a dictionary");
    for (const Dict::Entry& entry : entries.dict().entries()) {
      if (!entry.key.is(Kind::string)) throw Error("names of arguments must be strings");
      given.named.emplace_back(entry.key.text(), entry.value);
    }
  }
  return given;
}

Value Evaluator::call(const Call& node, const Expression& at, const Value* caller) {
  const Value callee = part(at, 0);
  Arguments given = arguments(node.passed, at);
  if (caller) given.named.emplace_back("caller", *caller);
  runtime_.line = at.line;
  return call_value(runtime_, callee, given);
}

Value Evaluator::of(const Call& node, const Expression& at) { return call(node, at, nullptr); }

Value Evaluator::of(const FilterUse& node, const Expression& at) {
  const Value input = part(at, 0);
  const Arguments given = arguments(node.passed, at);
  runtime_.line = at.line;
  return node.filter->apply(runtime_, input, given);
}

Value Evaluator::of(const TestUse& node, const Expression& at) {
  const Value input = part(at, 0);
  const Arguments given = arguments(node.passed, at);
  runtime_.line = at.line;
  return node.test->holds(runtime_, input, given);
}

}  // namespace covey::jinja
