// Filters for lists and dictionaries.
#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "model/jinja/access.hpp"
#include "model/jinja/arguments.hpp"
#include "model/jinja/filters.hpp"
#include "model/jinja/item_key.hpp"
#include "model/jinja/methods.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {
namespace filters {
namespace {

struct Keyed {
  std::vector<Value> keys;
  Value value;
};

/// Stable. Keys are compared one after the other.
void sort_by_keys(Runtime& runtime, std::vector<Keyed>& items, bool reverse) {
  const auto before = [&runtime](const Keyed& left, const Keyed& right) {
    for (std::size_t i = 0; i < left.keys.size(); ++i) {
      if (const int o = order(runtime, left.keys[i], right.keys[i])) return o < 0;
    }
    return false;
  };
  runtime.take(items.size() * sizeof(Keyed));
  if (reverse) {
    std::stable_sort(items.begin(), items.end(),
                     [&](const Keyed& left, const Keyed& right) { return before(right, left); });
  } else {
    std::stable_sort(items.begin(), items.end(), before);
  }
}

Value values_of(Runtime& runtime, std::vector<Keyed> items, ListKind kind = ListKind::list) {
  std::vector<Value> values;
  values.reserve(items.size());
  for (Keyed& item : items) values.push_back(std::move(item.value));
  return runtime.list(std::move(values), kind);
}

Value first(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("first", arguments, {});
  const std::vector<Value> items = iterate(runtime, input);
  return items.empty() ? Value::undefined("an empty list has no first item") : items.front();
}

Value last(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("last", arguments, {});
  const std::vector<Value> items = iterate(runtime, input);
  return items.empty() ? Value::undefined("an empty list has no last item") : items.back();
}

Value length(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("length", arguments, {});
  return length_of(runtime, input);
}

Value list(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("list", arguments, {});
  return runtime.list(iterate(runtime, input));
}

Value items(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("items", arguments, {});
  if (input.is(Kind::undefined)) return runtime.list({}, ListKind::view);
  if (!input.is(Kind::dict))
    throw Error("items needs a dictionary, not a value of type '" + std::string(input.type_name()) + "'");
  return find_method(input, "items")->function(runtime, input, {});
}

Value reverse(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("reverse", arguments, {});
  if (input.is(Kind::string)) return slice_of(runtime, input, {}, {}, Value(-1));
  std::vector<Value> all = iterate(runtime, input);
  std::reverse(all.begin(), all.end());
  return runtime.list(std::move(all), ListKind::view);
}

Value join(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("join", arguments, {"d", "attribute"});
  const std::string separator = to_text(runtime, given[0]);
  std::string result;
  bool begun = false;
  for (const Value& item : iterate(runtime, input)) {
    const std::string text = to_text(runtime, attribute_by_path(runtime, item, given[1]));
    runtime.take(text.size() + separator.size());
    if (begun) result += separator;
    begun = true;
    result += text;
  }
  return runtime.string(std::move(result));
}

/// `attribute` may name several, with commas between them.
std::vector<Value> sort_paths(const BoundArguments& given, std::size_t i) {
  if (!given.has(i) || !given[i].is(Kind::string)) return {given[i]};
  std::vector<Value> paths;
  std::string_view rest = given[i].text();
  for (;;) {
    const std::size_t comma = rest.find(',');
    paths.emplace_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) return paths;
    rest.remove_prefix(comma + 1);
  }
}

Value sort(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const std::vector<Value> paths = sort_paths(given, 2);
  std::vector<Keyed> sorted;
  for (Value& item : iterate(runtime, input)) {
    std::vector<Value> keys;
    for (const Value& path : paths)
      keys.push_back(folded(runtime, attribute_by_path(runtime, item, path), given.flag(1, false)));
    runtime.take(sizeof(Keyed) + keys.size() * sizeof(Value));
    sorted.push_back({std::move(keys), std::move(item)});
  }
  sort_by_keys(runtime, sorted, given.flag(0, false));
  return values_of(runtime, std::move(sorted));
}

Value dictsort(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  if (!input.is(Kind::dict)) throw Error("dictsort needs a dictionary");
  const std::string_view by = given.text(1, "key");
  if (by != "key" && by != "value")
    throw Error("dictsort can sort by 'key' or 'value', not by '" + std::string(by) + "'");
  std::vector<Keyed> sorted;
  for (const Dict::Entry& entry : input.dict().entries()) {
    const Value& key = by == "key" ? entry.key : entry.value;
    runtime.take(sizeof(Keyed) + sizeof(Value));
    sorted.push_back(
        {{folded(runtime, key, given.flag(0, false))}, runtime.list({entry.key, entry.value}, ListKind::tuple)});
  }
  sort_by_keys(runtime, sorted, given.flag(2, false));
  return values_of(runtime, std::move(sorted));
}

template <bool largest>
Value extreme(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given(largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  Value best = Value::undefined("an empty list has no smallest or largest item"), best_key;
  bool begun = false;
  for (const Value& item : iterate(runtime, input)) {
    Value key = folded(runtime, attribute_by_path(runtime, item, given[1]), given.flag(0, false));
    const int o = begun ? order(runtime, key, best_key) : 0;
    if (!begun || (largest ? o > 0 : o < 0)) {
      best = item;
      best_key = std::move(key);
    }
    begun = true;
  }
  return best;
}

Value unique(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("unique", arguments, {"case_sensitive", "attribute"});
  Dict seen;
  std::vector<Value> kept;
  for (Value& item : iterate(runtime, input)) {
    const Value key = folded(runtime, attribute_by_path(runtime, item, given[1]), given.flag(0, false));
    runtime.take(sizeof(Dict::Entry));
    runtime.look_up(key);
    const std::size_t before = seen.size();
    seen.set(key, None{});
    if (seen.size() > before) kept.push_back(std::move(item));
  }
  return runtime.list(std::move(kept), ListKind::view);
}

Value sum(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("sum", arguments, {"attribute", "start"});
  Value total = given.has(1) ? given[1] : Value(0);
  for (const Value& item : iterate(runtime, input))
    total = calculate(runtime, BinaryOp::add, total, attribute_by_path(runtime, item, given[0]));
  return total;
}

std::size_t count_argument(const BoundArguments& given, std::string_view filter) {
  const std::int64_t count = given.integer(0, 0);
  if (count < 1 || count > static_cast<std::int64_t>(kMaxRange))
    throw Error(std::string(filter) + " needs a count from 1 to " + std::to_string(kMaxRange));
  return static_cast<std::size_t>(count);
}

Value batch(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("batch", arguments, {"linecount", "fill_with"}, 1);
  const std::size_t size = count_argument(given, "batch");
  const std::vector<Value> all = iterate(runtime, input);
  std::vector<Value> rows;
  for (std::size_t begin = 0; begin < all.size(); begin += size) {
    const std::size_t end = std::min(begin + size, all.size());
    std::vector<Value> row(all.begin() + static_cast<std::ptrdiff_t>(begin),
                           all.begin() + static_cast<std::ptrdiff_t>(end));
    if (given.has(1)) row.resize(size, given[1]);
    rows.push_back(runtime.list(std::move(row)));
  }
  return runtime.list(std::move(rows), ListKind::view);
}

/// So many columns, the first ones longer by one where they can't be equal.
Value slice(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("slice", arguments, {"slices", "fill_with"}, 1);
  const std::size_t count = count_argument(given, "slice");
  const std::vector<Value> all = iterate(runtime, input);
  const std::size_t each = all.size() / count, longer = all.size() % count;
  std::vector<Value> columns;
  auto next = all.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = next + static_cast<std::ptrdiff_t>(each + (i < longer ? 1 : 0));
    std::vector<Value> column(next, end);
    if (given.has(1) && i >= longer) column.push_back(given[1]);
    next = end;
    columns.push_back(runtime.list(std::move(column)));
  }
  return runtime.list(std::move(columns), ListKind::view);
}

/// Pairs of what items have in common and the items.
Value groupby(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const BoundArguments given("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  std::vector<Keyed> sorted;
  for (Value& item : iterate(runtime, input)) {
    Value key = attribute_by_path(runtime, item, given[0], given[1]);
    runtime.take(sizeof(Keyed) + 2 * sizeof(Value));
    sorted.push_back({{folded(runtime, key, given.flag(2, false))}, runtime.list({key, item}, ListKind::tuple)});
  }
  sort_by_keys(runtime, sorted, false);
  std::vector<Value> groups;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::vector<Value> group;
    std::size_t end = begin;
    for (; end < sorted.size() && equals(runtime, sorted[end].keys[0], sorted[begin].keys[0]); ++end)
      group.push_back(sorted[end].value.items()[1]);
    if (end == begin) ++end;  // not a number equals nothing, not even itself
    groups.push_back(runtime.list({sorted[begin].value.items()[0], runtime.list(std::move(group))}, ListKind::group));
    begin = end;
  }
  return runtime.list(std::move(groups));
}

constexpr std::array kListFilters = {
    Filter{"first", first},       Filter{"last", last},         Filter{"length", length},
    Filter{"count", length},      Filter{"list", list},         Filter{"items", items},
    Filter{"reverse", reverse},   Filter{"join", join},         Filter{"sort", sort},
    Filter{"dictsort", dictsort}, Filter{"max", extreme<true>}, Filter{"min", extreme<false>},
    Filter{"unique", unique},     Filter{"sum", sum},           Filter{"batch", batch},
    Filter{"slice", slice},       Filter{"groupby", groupby},
};

}  // namespace
}  // namespace filters

std::span<const Filter> list_filters() { return filters::kListFilters; }

}  // namespace covey::jinja
