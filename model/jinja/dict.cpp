#include "model/jinja/dict.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "covey/error.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {
namespace {

// Below this many entries a search from the front is faster than the index.
constexpr std::size_t kIndexed = 8;

bool is_whole(double number) { return std::abs(number) < 9e15 && number == std::floor(number); }

/// The text that equal keys share; nullopt if `key` can't be one.
std::optional<std::string> name_of(const Value& key) {
  switch (key.kind()) {
    case Kind::string:
      return key.text();
    case Kind::none:
      return "\xFF-";
    case Kind::boolean:
    case Kind::integer:
      return "\xFFi" + std::to_string(key.integer());
    case Kind::real:
      if (is_whole(key.number())) return "\xFFi" + std::to_string(static_cast<std::int64_t>(key.number()));
      return "\xFF"
             "f" +
             float_text(key.number());
    case Kind::list: {
      if (key.list_kind() != ListKind::tuple) return std::nullopt;
      std::string name = "\xFF(";
      for (const Value& item : key.items()) {
        const std::optional<std::string> part = name_of(item);
        if (!part) return std::nullopt;
        name += std::to_string(part->size()) + ':' + *part;
      }
      return name;
    }
    case Kind::undefined:
    case Kind::dict:
    case Kind::object:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Dict::Dict(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.key, entry.value);
}

const std::size_t* Dict::position(std::string_view name) const {
  const auto at = index_.find(std::string(name));
  return at == index_.end() ? nullptr : &at->second;
}

void Dict::set(const Value& key, Value value) {
  const std::optional<std::string> name = name_of(key);
  if (!name) throw Error("a key of a dictionary can't be of type '" + std::string(key.type_name()) + "'");
  depth_ = std::max({depth_, value.depth() + 1, key.depth() + 1});
  if (const std::size_t* at = position(*name)) {
    entries_[*at].value = std::move(value);
    return;
  }
  index_.emplace(*name, entries_.size());
  entries_.push_back({key, std::move(value)});
}

const Value* Dict::find(std::string_view key) const {
  if (entries_.size() <= kIndexed) {
    const auto at = std::find_if(entries_.begin(), entries_.end(), [key](const Entry& entry) {
      return entry.key.is(Kind::string) && entry.key.text() == key;
    });
    return at == entries_.end() ? nullptr : &at->value;
  }
  const std::size_t* at = position(key);
  return at ? &entries_[*at].value : nullptr;
}

const Value* Dict::find_key(const Value& key) const {
  if (key.is(Kind::string)) return find(key.text());
  const std::optional<std::string> name = name_of(key);
  const std::size_t* at = name ? position(*name) : nullptr;
  return at ? &entries_[*at].value : nullptr;
}

}  // namespace covey::jinja
