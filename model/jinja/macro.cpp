#include "model/jinja/macro.hpp"

#include <algorithm>
#include <string>

#include "covey/error.hpp"
#include "model/jinja/evaluator.hpp"

namespace covey::jinja {
namespace {

const Value* named(const Arguments& arguments, std::string_view name) {
  const auto at = std::find_if(arguments.named.begin(), arguments.named.end(),
                               [name](const auto& argument) { return argument.first == name; });
  return at == arguments.named.end() ? nullptr : &at->second;
}

}  // namespace

std::optional<Value> Macro::attribute(Runtime& runtime, std::string_view name) const {
  if (name == "name") return runtime.string(node_->name);
  return std::nullopt;
}

/// Arguments beyond the parameters go to `varargs` and `kwargs`, if the macro looks at them.
void Macro::bind_rest(Runtime& runtime, const Arguments& arguments, Scope& scope) const {
  const std::size_t there = node_->parameters.size();
  std::vector<Value> rest;
  if (arguments.positional.size() > there)
    rest.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(there), arguments.positional.end());
  if (!rest.empty() && !node_->takes_rest)
    throw Error("macro '" + node_->name + "' takes at most " + std::to_string(there) + " arguments");
  Dict others;
  for (const auto& [name, value] : arguments.named) {
    const auto parameter = std::find_if(node_->parameters.begin(), node_->parameters.end(),
                                        [&name = name](const Parameter& one) { return one.name == name; });
    const auto place = static_cast<std::size_t>(parameter - node_->parameters.begin());
    if (place < arguments.positional.size() && place < there)
      throw Error("macro '" + node_->name + "' is given '" + name + "' twice");
    if (place < there || name == "caller") continue;
    if (!node_->takes_named) throw Error("macro '" + node_->name + "' has no argument named '" + name + "'");
    others.set(Value(name), value);
  }
  if (node_->takes_rest) scope.set("varargs", runtime.list(std::move(rest), ListKind::tuple));
  if (node_->takes_named) scope.set("kwargs", runtime.dict(std::move(others)));
}

Value Macro::call(Runtime& runtime, const Arguments& arguments) {
  const auto scope = std::make_shared<Scope>(around_);
  runtime.step(1 + node_->parameters.size() * arguments.named.size() / 8);
  bind_rest(runtime, arguments, *scope);
  const Value* caller = named(arguments, "caller");
  scope->set("caller", caller ? *caller : Value::undefined("'caller' is undefined"));
  std::string text;
  Evaluator evaluator(runtime, scope, text);
  for (std::size_t i = 0; i < node_->parameters.size(); ++i) {
    const Parameter& parameter = node_->parameters[i];
    if (i < arguments.positional.size()) {
      scope->set(parameter.name, arguments.positional[i]);
    } else if (const Value* given = named(arguments, parameter.name)) {
      scope->set(parameter.name, *given);
    } else if (parameter.otherwise) {
      scope->set(parameter.name, evaluator.evaluate(*parameter.otherwise));
    } else {
      scope->set(parameter.name, Value::undefined("parameter '" + parameter.name + "' was not provided"));
    }
  }
  evaluator.run(node_->body);
  return runtime.string(std::move(text));
}

}  // namespace covey::jinja
