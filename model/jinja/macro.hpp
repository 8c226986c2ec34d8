// Macros, and the callers that {% call %} gives them.
// Source: https://jinja.palletsprojects.com/en/stable/templates/#macros
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "model/jinja/ast.hpp"
#include "model/jinja/object.hpp"
#include "model/jinja/scope.hpp"

namespace covey::jinja {

class Macro : public Object {
 public:
  /// `around`: the names that it sees besides its own; they are part of a cycle if it is one of them.
  Macro(std::shared_ptr<const MacroNode> node, std::shared_ptr<Scope> around)
      : node_(std::move(node)), around_(std::move(around)) {}

  std::string_view type_name() const override { return "Macro"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) const override;
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Arguments& arguments) override;

 private:
  void bind_rest(Runtime& runtime, const Arguments& arguments, Scope& scope) const;

  std::shared_ptr<const MacroNode> node_;
  std::shared_ptr<Scope> around_;
};

}  // namespace covey::jinja
