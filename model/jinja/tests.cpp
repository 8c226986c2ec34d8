#include "model/jinja/tests.hpp"

#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/methods.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {
namespace {

/// A test that looks at the value alone.
template <bool (*holds)(const Value&)>
bool plain(Runtime&, const Value& input, const Arguments& arguments) {
  const BoundArguments given("the test", arguments, {});
  return holds(input);
}

template <Kind kind>
bool is_kind(const Value& value) {
  return value.is(kind);
}

bool is_defined(const Value& value) { return !value.is(Kind::undefined); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_true(const Value& value) { return value.is(Kind::boolean) && value.boolean(); }
bool is_false(const Value& value) { return value.is(Kind::boolean) && !value.boolean(); }
bool is_callable(const Value& value) { return value.is(Kind::object) && value.object().callable(); }
bool is_iterable(const Value& value) {
  return value.is(Kind::string) || value.is(Kind::list) || value.is(Kind::dict) || value.is(Kind::undefined);
}
bool is_sequence(const Value& value) {
  return is_iterable(value) && !(value.is(Kind::list) && value.list_kind() == ListKind::view);
}

bool remainder_is(Runtime& runtime, const Value& input, std::int64_t divisor, std::int64_t wanted) {
  return equals(runtime, calculate(runtime, BinaryOp::modulo, input, divisor), wanted);
}

bool is_odd(Runtime& runtime, const Value& input, const Arguments&) { return remainder_is(runtime, input, 2, 1); }
bool is_even(Runtime& runtime, const Value& input, const Arguments&) { return remainder_is(runtime, input, 2, 0); }

bool is_divisible(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("divisibleby", arguments, {"num"}, 1);
  return remainder_is(runtime, input, given.integer(0, 1), 0);
}

template <CompareOp op>
bool compared(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("the test", arguments, {"other"}, 1);
  return compare(runtime, op, input, given[0]);
}

bool is_same(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("sameas", arguments, {"other"}, 1);
  runtime.look_up(input);
  return input.same_as(given[0]);
}

template <bool upper>
bool is_cased(Runtime& runtime, const Value& input, const Arguments&) {
  const Method* method = find_string_method(upper ? "isupper" : "islower");
  return method->function(runtime, Value(to_text(runtime, input)), {}).truthy();
}

bool is_filter(Runtime&, const Value& input, const Arguments&) {
  return input.is(Kind::string) && find_filter(input.text());
}

bool is_test(Runtime&, const Value& input, const Arguments&) {
  return input.is(Kind::string) && find_test(input.text());
}

constexpr std::array kTests = {
    Test{"defined", plain<is_defined>},
    Test{"undefined", plain<is_kind<Kind::undefined>>},
    Test{"none", plain<is_kind<Kind::none>>},
    Test{"boolean", plain<is_kind<Kind::boolean>>},
    Test{"true", plain<is_true>},
    Test{"false", plain<is_false>},
    Test{"integer", plain<is_kind<Kind::integer>>},
    Test{"float", plain<is_kind<Kind::real>>},
    Test{"number", plain<is_number>},
    Test{"string", plain<is_kind<Kind::string>>},
    Test{"mapping", plain<is_kind<Kind::dict>>},
    Test{"iterable", plain<is_iterable>},
    Test{"sequence", plain<is_sequence>},
    Test{"callable", plain<is_callable>},
    Test{"odd", is_odd},
    Test{"even", is_even},
    Test{"divisibleby", is_divisible},
    Test{"eq", compared<CompareOp::equal>},
    Test{"equalto", compared<CompareOp::equal>},
    Test{"==", compared<CompareOp::equal>},
    Test{"ne", compared<CompareOp::not_equal>},
    Test{"!=", compared<CompareOp::not_equal>},
    Test{"lt", compared<CompareOp::less>},
    Test{"lessthan", compared<CompareOp::less>},
    Test{"<", compared<CompareOp::less>},
    Test{"le", compared<CompareOp::less_equal>},
    Test{"<=", compared<CompareOp::less_equal>},
    Test{"gt", compared<CompareOp::greater>},
    Test{"greaterthan", compared<CompareOp::greater>},
    Test{">", compared<CompareOp::greater>},
    Test{"ge", compared<CompareOp::greater_equal>},
    Test{">=", compared<CompareOp::greater_equal>},
    Test{"in", compared<CompareOp::in>},
    Test{"sameas", is_same},
    Test{"lower", is_cased<false>},
    Test{"upper", is_cased<true>},
    Test{"filter", is_filter},
    Test{"test", is_test},
};

}  // namespace

const Test* find_test(std::string_view name) {
  const auto* at = std::find_if(kTests.begin(), kTests.end(), [name](const Test& test) { return test.name == name; });
  return at == kTests.end() ? nullptr : &*at;
}

}  // namespace covey::jinja
