// Names and what they stand for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// The names of a template, of one round of a loop, of one call of a macro; those of its surroundings are visible too.
class Scope : public Releasable {
 public:
  explicit Scope(std::shared_ptr<Scope> parent) : parent_(std::move(parent)) {}

  /// nullptr if there is none, here and around.
  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope; scope = scope->parent_.get()) {
      const auto at = scope->values_.find(name);
      if (at != scope->values_.end()) return &at->second;
    }
    return nullptr;
  }
  void set(const std::string& name, Value value) { values_.insert_or_assign(name, std::move(value)); }
  void clear() { values_.clear(); }
  void release() override {
    values_.clear();
    parent_.reset();
  }

 private:
  std::map<std::string, Value, std::less<>> values_;
  std::shared_ptr<Scope> parent_;
};

}  // namespace covey::jinja
