#include "model/jinja/loop.hpp"

#include <memory>

#include "covey/error.hpp"
#include "model/jinja/runtime.hpp"

namespace covey::jinja {
namespace {

/// loop.cycle: one of its arguments in each round.
class Cycle : public Object {
 public:
  explicit Cycle(std::size_t index) : index_(index) {}
  std::string_view type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Runtime&, const Arguments& arguments) override {
    if (arguments.positional.empty()) throw Error("loop.cycle needs values to choose from");
    return arguments.positional[index_ % arguments.positional.size()];
  }

 private:
  std::size_t index_;
};

}  // namespace

std::optional<Value> Loop::attribute(Runtime& runtime, std::string_view name) const {
  const std::vector<Value>& items = items_.items();
  if (name == "index") return Value(index_ + 1);
  if (name == "index0") return Value(index_);
  if (name == "first") return Value(index_ == 0);
  if (name == "last") return Value(index_ + 1 == items.size());
  if (name == "length") return Value(items.size());
  if (name == "revindex") return Value(items.size() - index_);
  if (name == "revindex0") return Value(items.size() - index_ - 1);
  if (name == "depth") return Value(1);
  if (name == "depth0") return Value(0);
  if (name == "previtem") return index_ > 0 ? items[index_ - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem")
    return index_ + 1 < items.size() ? items[index_ + 1] : Value::undefined("there is no next item");
  if (name != "cycle") return std::nullopt;
  runtime.take(sizeof(Cycle));
  return Value(std::static_pointer_cast<Object>(std::make_shared<Cycle>(index_)));
}

}  // namespace covey::jinja
