// Arguments of filters, tests, methods and functions, matched to their parameters as Python does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/object.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

class BoundArguments {
 public:
  /// Throws Error if arguments are unknown, given twice, too many, or one of the first `required` is missing.
  BoundArguments(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names,
                 std::size_t required = 0);

  /// Undefined where it was not given.
  const Value& operator[](std::size_t i) const { return values_[i]; }
  /// Given, and not none.
  bool has(std::size_t i) const { return !values_[i].is(Kind::undefined) && !values_[i].is(Kind::none); }

  // Throw Error if the argument is of another kind.
  std::int64_t integer(std::size_t i, std::int64_t otherwise) const;
  bool flag(std::size_t i, bool otherwise) const { return has(i) ? values_[i].truthy() : otherwise; }
  /// Valid as long as this object and `otherwise`.
  std::string_view text(std::size_t i, std::string_view otherwise = "") const;

 private:
  [[noreturn]] void wrong(std::size_t i, std::string_view wanted) const;

  std::string function_;
  std::vector<std::string_view> names_;
  std::vector<Value> values_;
};

}  // namespace covey::jinja
