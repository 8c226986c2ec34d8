#include "model/jinja/item_key.hpp"

#include <algorithm>

#include "covey/error.hpp"
#include "model/jinja/access.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/number_format.hpp"

namespace covey::jinja {

Value attribute_by_path(Runtime& runtime, const Value& item, const Value& path, const Value& otherwise) {
  if (path.is(Kind::undefined) || path.is(Kind::none)) return item;
  if (path.is_integral()) return item_of(runtime, item, path);
  if (!path.is(Kind::string)) throw Error("an attribute's name must be a string");
  runtime.work(path.text().size() * 8);
  Value value = item;
  std::string_view rest = path.text();
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    std::string_view name = rest.substr(0, dot);
    more = dot != std::string_view::npos;
    rest.remove_prefix(more ? dot + 1 : rest.size());
    const bool index = !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
    value = item_of(runtime, value, index ? Value(take_number(name)) : Value(name));
    if (value.is(Kind::undefined) && !otherwise.is(Kind::undefined)) value = otherwise;
  }
  return value;
}

Value folded(Runtime& runtime, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is(Kind::string)) return value;
  runtime.work(value.text().size() * 16);
  return runtime.string(lower_case(value.text()));
}

}  // namespace covey::jinja
