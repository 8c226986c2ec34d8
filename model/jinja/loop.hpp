// The variable `loop`.
// Source: https://jinja.palletsprojects.com/en/stable/templates/#for
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "model/jinja/object.hpp"

namespace covey::jinja {

class Loop : public Object {
 public:
  /// `items`: a list, not empty.
  explicit Loop(Value items) : items_(std::move(items)) {}

  const Value& item() const { return items_.items()[index_]; }
  /// False after the last item.
  bool next() { return ++index_ < items_.items().size(); }

  std::string_view type_name() const override { return "LoopContext"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) const override;
  int depth() const override { return items_.depth() + 1; }

 private:
  Value items_;
  std::size_t index_ = 0;
};

}  // namespace covey::jinja
