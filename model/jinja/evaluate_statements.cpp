// The part of the evaluator that writes.
#include "covey/error.hpp"
#include "model/jinja/evaluator.hpp"
#include "model/jinja/loop.hpp"
#include "model/jinja/macro.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {

/// Names of its own, for as long as the object lives.
class Evaluator::Inner {
 public:
  explicit Inner(Evaluator& evaluator)
      : evaluator_(evaluator), outer_(std::exchange(evaluator.scope_, std::make_shared<Scope>(evaluator.scope_))) {}
  ~Inner() { evaluator_.scope_ = outer_; }
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;

  /// Forgets the names. A macro that was defined among them keeps them.
  void renew() {
    if (evaluator_.scope_.use_count() == 1) {
      evaluator_.scope_->clear();
    } else {
      evaluator_.scope_ = std::make_shared<Scope>(outer_);
    }
  }

 private:
  Evaluator& evaluator_;
  std::shared_ptr<Scope> outer_;
};

Flow Evaluator::run(const Body& body) {
  const Runtime::Level level(runtime_);
  for (const Statement& statement : body) {
    runtime_.step();
    runtime_.line = statement.line;
    const Flow flow = std::visit([this](const auto& node) { return run(node); }, statement.node);
    if (flow != Flow::go_on) return flow;
  }
  return Flow::go_on;
}

void Evaluator::write(const std::string& text) {
  runtime_.take(text.size());
  runtime_.check_output(output_->size() + text.size());
  *output_ += text;
}

Flow Evaluator::run(const Text& node) {
  write(node.text);
  return Flow::go_on;
}

Flow Evaluator::run(const Print& node) {
  write(to_text(runtime_, evaluate(*node.value)));
  return Flow::go_on;
}

Flow Evaluator::run(const If& node) {
  for (const auto& [condition, body] : node.branches) {
    if (evaluate(*condition).truthy()) return run(body);
  }
  return run(node.otherwise);
}

std::vector<Value> Evaluator::loop_items(const For& node) {
  std::vector<Value> items = iterate(runtime_, evaluate(*node.items));
  if (!node.filter) return items;
  std::vector<Value> chosen;
  Inner inner(*this);
  for (Value& item : items) {
    inner.renew();
    assign(node.target, item);
    if (evaluate(*node.filter).truthy()) chosen.push_back(std::move(item));
  }
  return chosen;
}

Flow Evaluator::run(const For& node) {
  std::vector<Value> items = loop_items(node);
  if (items.empty()) {
    const Inner inner(*this);
    return run(node.otherwise);
  }
  const auto loop = std::make_shared<Loop>(runtime_.list(std::move(items)));
  const Value loop_value(std::static_pointer_cast<Object>(loop));
  Inner inner(*this);
  do {
    runtime_.step();
    inner.renew();
    scope_->set("loop", loop_value);
    assign(node.target, loop->item());
    if (run(node.body) == Flow::leave_loop) break;
  } while (loop->next());
  return Flow::go_on;
}

void Evaluator::assign(const Target& target, const Value& value) {
  if (!target.several.empty()) {
    const std::vector<Value> items = iterate(runtime_, value);
    if (items.size() != target.several.size()) {
      throw Error(std::to_string(target.several.size()) + " names can't take " + std::to_string(items.size()) +
                  " values");
    }
    for (std::size_t i = 0; i < items.size(); ++i) assign(target.several[i], items[i]);
  } else if (target.attribute.empty()) {
    runtime_.take(sizeof(Value) + target.name.size());
    scope_->set(target.name, value);
  } else {
    const Value* object = scope_->find(target.name);
    if (!object || !object->is(Kind::object) || !object->object().set_attribute(runtime_, target.attribute, value)) {
      throw Error("'" + target.name + "' is no namespace, so its attributes can't be set");
    }
  }
}

Flow Evaluator::run(const Set& node) {
  assign(node.target, evaluate(*node.value));
  return Flow::go_on;
}

Value Evaluator::captured(const Body& body, const Expression& filtered, Flow& flow) {
  const Inner inner(*this);
  std::string text;
  std::string* outside = std::exchange(output_, &text);
  flow = run(body);  // what it throws ends the whole rendering
  output_ = outside;
  block_text_ = runtime_.string(std::move(text));
  return evaluate(filtered);
}

Flow Evaluator::run(const SetBlock& node) {
  Flow flow = Flow::go_on;
  const Value text = captured(node.body, *node.filtered, flow);
  assign(node.target, text);
  return flow;
}

Flow Evaluator::run(const FilterBlock& node) {
  Flow flow = Flow::go_on;
  write(to_text(runtime_, captured(node.body, *node.filtered, flow)));
  return flow;
}

Value Evaluator::macro(const std::shared_ptr<const MacroNode>& node) {
  runtime_.take(sizeof(Macro));
  runtime_.release_at_end(scope_);
  return Value(std::static_pointer_cast<Object>(std::make_shared<Macro>(node, scope_)));
}

Flow Evaluator::run(const MacroDefinition& node) {
  scope_->set(node.macro->name, macro(node.macro));
  return Flow::go_on;
}

Flow Evaluator::run(const CallBlock& node) {
  const Value caller = macro(node.caller);
  write(to_text(runtime_, call(std::get<Call>(node.call->node), *node.call, &caller)));
  return Flow::go_on;
}

Flow Evaluator::run(const With& node) {
  // The values can't see each other's names.
  std::vector<Value> values;
  for (const auto& [target, value] : node.values) values.push_back(evaluate(*value));
  const Inner inner(*this);
  for (std::size_t i = 0; i < values.size(); ++i) assign(node.values[i].first, values[i]);
  return run(node.body);
}

}  // namespace covey::jinja
