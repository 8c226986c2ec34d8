// Filters that ask a test, or another filter, about each item.
#include <array>

#include "covey/error.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/item_key.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/tests.hpp"

namespace covey::jinja {
namespace filters {
namespace {

/// The arguments from the `begin`-th on, for the test or filter that an earlier one names.
Arguments rest_of(const Arguments& arguments, std::size_t begin) {
  Arguments rest;
  rest.named = arguments.named;
  if (begin < arguments.positional.size())
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(begin),
                           arguments.positional.end());
  return rest;
}

const std::string& name_at(const Arguments& arguments, std::size_t i, std::string_view what) {
  if (!arguments.positional[i].is(Kind::string))
    throw Error("the name of a " + std::string(what) + " must be a string");
  return arguments.positional[i].text();
}

/// Items for which a test holds, or doesn't: of the items themselves, or of an attribute that the first argument names.
/// Without a test it is whether they count as true.
template <bool wanted, bool by_attribute>
Value choose(Runtime& runtime, const Value& input, const Arguments& arguments) {
  constexpr std::size_t kTestAt = by_attribute ? 1 : 0;
  if (by_attribute && arguments.positional.empty()) throw Error("selectattr and rejectattr need an attribute's name");
  const Test* test = nullptr;
  if (arguments.positional.size() > kTestAt) {
    const std::string& name = name_at(arguments, kTestAt, "test");
    test = find_test(name);
    if (!test) throw Error("there is no test '" + name + "'");
  }
  const Arguments rest = rest_of(arguments, kTestAt + 1);
  std::vector<Value> chosen;
  for (Value& item : iterate(runtime, input)) {
    runtime.step();
    const Value asked = by_attribute ? attribute_by_path(runtime, item, arguments.positional[0]) : item;
    if ((test ? test->holds(runtime, asked, rest) : asked.truthy()) == wanted) chosen.push_back(std::move(item));
  }
  return runtime.list(std::move(chosen), ListKind::view);
}

/// map(attribute="a", default=…), or map("filter", …).
Value map(Runtime& runtime, const Value& input, const Arguments& arguments) {
  std::vector<Value> items = iterate(runtime, input);
  if (arguments.positional.empty()) {
    const BoundArguments given("map", {{}, arguments.named}, {"attribute", "default"}, 1);
    for (Value& item : items) item = attribute_by_path(runtime, item, given[0], given[1]);
  } else {
    const std::string& name = name_at(arguments, 0, "filter");
    const Filter* filter = find_filter(name);
    if (!filter) throw Error("there is no filter '" + name + "'");
    const Arguments rest = rest_of(arguments, 1);
    const Runtime::Level level(runtime);
    for (Value& item : items) {
      runtime.step();
      item = filter->apply(runtime, item, rest);
    }
  }
  return runtime.list(std::move(items), ListKind::view);
}

constexpr std::array kChoosingFilters = {
    Filter{"map", map},
    Filter{"select", choose<true, false>},
    Filter{"reject", choose<false, false>},
    Filter{"selectattr", choose<true, true>},
    Filter{"rejectattr", choose<false, true>},
};

}  // namespace
}  // namespace filters

std::span<const Filter> choosing_filters() { return filters::kChoosingFilters; }

}  // namespace covey::jinja
