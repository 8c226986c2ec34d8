#include "model/jinja/dict.hpp"

#include <algorithm>
#include <cmath>

#include "covey/error.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {
namespace {

// Below this many entries a search from the front is faster than the index.
constexpr std::size_t kIndexed = 8;

bool is_whole(double number) { return std::abs(number) < 9e15 && number == std::floor(number); }

// Longer names come of no key that a template needs.
constexpr std::size_t kLongestTuple = 1000;

/// The string that equal keys share: their own text, or for other keys one behind a byte that begins no character;
/// undefined if `key` can't be one.
Value name_of(const Value& key) {
  switch (key.kind()) {
    case Kind::string:
      return key;
    case Kind::none:
      return "\xFF-";
    case Kind::boolean:
    case Kind::integer:
      return "\xFFi" + std::to_string(key.integer());
    case Kind::real:
      if (is_whole(key.number())) return "\xFFi" + std::to_string(static_cast<std::int64_t>(key.number()));
      return "\xFFr" + float_text(key.number());
    case Kind::list: {
      if (key.list_kind() != ListKind::tuple || key.depth() > 1) return {};
      std::string name = "\xFF(";
      for (const Value& item : key.items()) {
        const Value part = name_of(item);
        if (part.is(Kind::undefined) || name.size() + part.text().size() > kLongestTuple) return {};
        name += std::to_string(part.text().size()) + ':' + part.text();
      }
      return name;
    }
    case Kind::undefined:
    case Kind::dict:
    case Kind::object:
      return {};
  }
  return {};
}

}  // namespace

Dict::Dict(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.key, entry.value);
}

const std::size_t* Dict::position(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &at->second;
}

void Dict::set(const Value& key, Value value) {
  const Value name = name_of(key);
  if (name.is(Kind::undefined)) throw Error("a value of type '" + std::string(key.type_name()) + "' can't be a key");
  depth_ = std::max({depth_, value.depth() + 1, key.depth() + 1});
  if (const std::size_t* at = position(name.text())) {
    entries_[*at].value = std::move(value);
    return;
  }
  names_.push_back(name);
  index_.emplace(names_.back().text(), entries_.size());
  entries_.push_back({key, std::move(value)});
}

const Value* Dict::find(std::string_view key) const {
  if (entries_.size() <= kIndexed) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i].text() == key) return &entries_[i].value;
    }
    return nullptr;
  }
  const std::size_t* at = position(key);
  return at ? &entries_[*at].value : nullptr;
}

const Value* Dict::find_key(const Value& key) const {
  const Value name = name_of(key);
  return name.is(Kind::undefined) ? nullptr : find(name.text());
}

}  // namespace covey::jinja
