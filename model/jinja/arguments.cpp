#include "model/jinja/arguments.hpp"

#include <algorithm>

#include "covey/error.hpp"

namespace covey::jinja {

BoundArguments::BoundArguments(std::string_view function, const Arguments& arguments,
                               std::initializer_list<std::string_view> names, std::size_t required)
    : function_(function), names_(names), values_(names.size()) {
  if (arguments.positional.size() > names_.size()) {
    throw Error(function_ + " takes at most " + std::to_string(names_.size()) + " arguments, not " +
                std::to_string(arguments.positional.size()));
  }
  std::vector<bool> given(names_.size(), false);
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    values_[i] = arguments.positional[i];
    given[i] = true;
  }
  for (const auto& [name, value] : arguments.named) {
    const auto at = static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    if (at == names_.size()) throw Error(function_ + " has no argument named '" + name + "'");
    if (given[at]) throw Error(function_ + " is given '" + name + "' twice");
    values_[at] = value;
    given[at] = true;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!given[i]) throw Error(function_ + " needs the argument '" + std::string(names_[i]) + "'");
  }
}

void BoundArguments::wrong(std::size_t i, std::string_view wanted) const {
  throw Error("the argument '" + std::string(names_[i]) + "' of " + function_ + " must be " + std::string(wanted) +
              ", not of type '" + std::string(values_[i].type_name()) + "'");
}

std::int64_t BoundArguments::integer(std::size_t i, std::int64_t otherwise) const {
  if (!has(i)) return otherwise;
  if (!values_[i].is_integral()) wrong(i, "an integer");
  return values_[i].integer();
}

std::string_view BoundArguments::text(std::size_t i, std::string_view otherwise) const {
  if (!has(i)) return otherwise;
  if (!values_[i].is(Kind::string)) wrong(i, "a string");
  return values_[i].text();
}

}  // namespace covey::jinja
