#include "model/jinja/access.hpp"

#include <algorithm>
#include <optional>

#include "covey/error.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/methods.hpp"
#include "model/jinja/text_form.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

/// A method together with the value it belongs to.
class BoundMethod : public Object {
 public:
  BoundMethod(Value self, const Method& method) : self_(std::move(self)), method_(method) {}
  std::string_view type_name() const override { return "method"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Arguments& arguments) override {
    return method_.function(runtime, self_, arguments);
  }
  int depth() const override { return self_.depth(); }

 private:
  Value self_;
  const Method& method_;
};

std::string owner(const Value& value) {
  return value.is(Kind::none) ? "none" : "a value of type '" + std::string(value.type_name()) + "'";
}

/// The index of an item, counted from the end if negative; nullptr if it lies outside.
const Value* list_item(const std::vector<Value>& items, std::int64_t index) {
  const auto size = static_cast<std::int64_t>(items.size());
  if (index < 0) index += size;
  return index < 0 || index >= size ? nullptr : &items[static_cast<std::size_t>(index)];
}

/// `count` characters from the one of index `first`.
std::string_view characters_from(std::string_view text, std::size_t first, std::size_t count) {
  for (; first > 0; --first) text.remove_prefix(utf8_step(text).length);
  std::size_t bytes = 0;
  for (; count > 0; --count) bytes += utf8_step(text.substr(bytes)).length;
  return text.substr(0, bytes);
}

Value string_item(Runtime& runtime, const std::string& text, std::int64_t index) {
  runtime.work(text.size() * 8);
  const auto size = static_cast<std::int64_t>(character_count(text));
  if (index < 0) index += size;
  if (index < 0 || index >= size) return Value::undefined("the string has no character of that index");
  return runtime.string(std::string(characters_from(text, static_cast<std::size_t>(index), 1)));
}

std::optional<Value> own_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is(Kind::object)) return value.object().attribute(runtime, name);
  if (value.is(Kind::list) && value.list_kind() == ListKind::group && (name == "grouper" || name == "list"))
    return value.items()[name == "list" ? 1 : 0];
  if (const Method* method = find_method(value, name)) {
    runtime.take(sizeof(BoundMethod));
    return Value(std::static_pointer_cast<Object>(std::make_shared<BoundMethod>(value, *method)));
  }
  if (changes_its_object(value, name))
    return Value::undefined("'" + std::string(name) + "' would change " + owner(value) + ", which a template may not");
  return std::nullopt;
}

/// The indices that a slice takes, in order.
struct Steps {
  std::int64_t first, step;
  std::size_t count;
};

/// Bounds as Python reads them: negative ones count from the end, those outside are moved to the nearest end.
Steps steps_of(std::int64_t size, const Value& begin, const Value& end, const Value& step) {
  const auto bound = [](const Value& value, std::int64_t otherwise) {
    if (value.is(Kind::undefined) || value.is(Kind::none)) return otherwise;
    if (!value.is_integral()) throw Error("the bounds of a slice must be whole numbers");
    return value.integer();
  };
  const std::int64_t by = bound(step, 1);
  if (by == 0) throw Error("the step of a slice can't be 0");
  const std::int64_t low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
  const auto within = [&](std::int64_t at) {
    return std::clamp(at < 0 ? std::max<std::int64_t>(at, -size - 1) + size : at, low, high);
  };
  const bool has_begin = !begin.is(Kind::undefined) && !begin.is(Kind::none);
  const bool has_end = !end.is(Kind::undefined) && !end.is(Kind::none);
  const std::int64_t first = has_begin ? within(bound(begin, 0)) : (by > 0 ? low : high);
  const std::int64_t last = has_end ? within(bound(end, 0)) : (by > 0 ? high : low);
  const std::int64_t reach = by > 0 ? last - first : first - last;
  if (reach <= 0) return {0, 1, 0};
  const std::int64_t size_of_step = by > 0 ? std::min(by, size) : -std::max(by, -size);
  return {first, by > 0 ? size_of_step : -size_of_step, static_cast<std::size_t>((reach - 1) / size_of_step + 1)};
}

Value string_slice(Runtime& runtime, const std::string& text, const Value& begin, const Value& end, const Value& step) {
  runtime.work(text.size() * 8);
  const Steps steps = steps_of(static_cast<std::int64_t>(character_count(text)), begin, end, step);
  if (steps.step == 1)
    return runtime.string(std::string(characters_from(text, static_cast<std::size_t>(steps.first), steps.count)));
  runtime.take(text.size() * sizeof(std::string_view));
  const auto characters = characters_of(text);
  std::string taken;
  std::int64_t at = steps.first;
  for (std::size_t i = 0; i < steps.count; ++i, at += steps.step) taken += characters[static_cast<std::size_t>(at)];
  return runtime.string(std::move(taken));
}

}  // namespace

Value attribute_of(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is(Kind::undefined)) throw Error(value.why());
  if (auto own = own_attribute(runtime, value, name)) return *own;
  if (value.is(Kind::dict)) {
    if (const Value* item = value.dict().find(name)) return *item;
  }
  return Value::undefined(owner(value) + " has no attribute '" + std::string(name) + "'");
}

Value item_of(Runtime& runtime, const Value& value, const Value& index) {
  if (value.is(Kind::undefined)) throw Error(value.why());
  runtime.look_up(index);
  if (value.is(Kind::dict)) {
    if (const Value* item = value.dict().find_key(index)) return *item;
  }
  if (value.is(Kind::list) && index.is_integral()) {
    if (const Value* item = list_item(value.items(), index.integer())) return *item;
  }
  if (value.is(Kind::string) && index.is_integral()) return string_item(runtime, value.text(), index.integer());
  if (index.is(Kind::string)) {
    if (auto own = own_attribute(runtime, value, index.text())) return *own;
  }
  return Value::undefined(owner(value) + " has no item " + to_repr(runtime, index));
}

Value slice_of(Runtime& runtime, const Value& value, const Value& begin, const Value& end, const Value& step) {
  if (value.is(Kind::undefined)) throw Error(value.why());
  if (value.is(Kind::list)) {
    const Steps steps = steps_of(static_cast<std::int64_t>(value.items().size()), begin, end, step);
    runtime.take(steps.count * sizeof(Value));
    std::vector<Value> items;
    items.reserve(steps.count);
    std::int64_t at = steps.first;
    for (std::size_t i = 0; i < steps.count; ++i, at += steps.step)
      items.push_back(value.items()[static_cast<std::size_t>(at)]);
    return {std::move(items), value.list_kind()};
  }
  if (value.is(Kind::string)) return string_slice(runtime, value.text(), begin, end, step);
  throw Error(owner(value) + " can't be sliced");
}

Value call_value(Runtime& runtime, const Value& callee, const Arguments& arguments) {
  if (callee.is(Kind::undefined)) throw Error(callee.why());
  if (!callee.is(Kind::object) || !callee.object().callable()) throw Error(owner(callee) + " can't be called");
  const Runtime::Level level(runtime);
  return callee.object().call(runtime, arguments);
}

std::int64_t length_of(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      runtime.work(value.text().size());
      return static_cast<std::int64_t>(character_count(value.text()));
    case Kind::list:
      return static_cast<std::int64_t>(value.items().size());
    case Kind::dict:
      return static_cast<std::int64_t>(value.dict().size());
    default:
      throw Error(owner(value) + " has no length");
  }
}

}  // namespace covey::jinja
