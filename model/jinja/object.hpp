// Values with behaviour: functions, macros, `loop`, namespaces.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/jinja/value.hpp"

namespace covey::jinja {

class Runtime;

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Object {
 public:
  Object() = default;
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  /// "function", "macro", … as errors and output name it.
  virtual std::string_view type_name() const = 0;
  /// nullopt where it has no such attribute.
  virtual std::optional<Value> attribute(Runtime&, std::string_view) const { return std::nullopt; }
  virtual bool callable() const { return false; }
  /// Only where callable(). Throws Error.
  virtual Value call(Runtime&, const Arguments&) { return {}; }
  /// False where attributes can't be set.
  virtual bool set_attribute(Runtime&, std::string_view, const Value&) { return false; }
  /// See Value::depth().
  virtual int depth() const { return 0; }
};

}  // namespace covey::jinja
