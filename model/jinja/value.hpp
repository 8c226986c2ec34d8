// What a template computes with: Python's values, as far as chat templates see them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace covey::jinja {

class Dict;
class Object;
class Value;

/// Containers nest at most this deep, so walking and destroying them needs a bounded stack.
inline constexpr int kMaxValueDepth = 64;

struct None {};

/// What a name, key or index stands for that isn't there. Prints as nothing, is false, and is an error in most other
/// uses.
struct Undefined {
  std::shared_ptr<const std::string> why;
};

/// Kinds of sequences. They differ in equality and in how they print; `view` is what Python gives as a generator,
/// `group` a tuple whose two items have the names `grouper` and `list`.
enum class ListKind : std::uint8_t { list, tuple, range, view, group };

enum class Kind : std::uint8_t { undefined, none, boolean, integer, real, string, list, dict, object };

struct List;

/// Immutable but for namespaces, and cheap to copy: containers and strings are shared.
class Value {
 public:
  Value() = default;  ///< undefined
  Value(None) : data_(None{}) {}
  template <std::same_as<bool> B>
  Value(B value) : data_(value) {}
  template <std::integral I>
  requires(!std::same_as<I, bool>) Value(I value) : data_(static_cast<std::int64_t>(value)) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : data_(std::make_shared<const std::string>(std::move(text))) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  /// These throw Error if they nest deeper than kMaxValueDepth.
  Value(std::vector<Value> items, ListKind kind = ListKind::list);
  Value(Dict dict);
  Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}
  static Value undefined(std::string why);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  /// bool counts as a number, as in Python.
  bool is_integral() const { return is(Kind::integer) || is(Kind::boolean); }
  bool is_number() const { return is_integral() || is(Kind::real); }

  // Each needs the value to be of its kind.
  bool boolean() const { return std::get<bool>(data_); }
  std::int64_t integer() const { return is(Kind::boolean) ? boolean() : std::get<std::int64_t>(data_); }
  double number() const { return is(Kind::real) ? std::get<double>(data_) : static_cast<double>(integer()); }
  const std::string& text() const { return *std::get<std::shared_ptr<const std::string>>(data_); }
  const std::vector<Value>& items() const;
  ListKind list_kind() const;
  const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  Object& object() const { return *std::get<std::shared_ptr<Object>>(data_); }
  /// Why it is undefined, as a sentence.
  std::string why() const;

  bool truthy() const;
  /// Levels of containers; 0 for what contains nothing.
  int depth() const;
  /// The name that Python has for its type: 'str', 'int', 'list', …
  std::string_view type_name() const;
  /// Whether both are the very same object, or equal constants.
  bool same_as(const Value& other) const;

 private:
  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>
      data_;
};

struct List {
  std::vector<Value> items;
  ListKind kind;
  int depth;
};

inline const std::vector<Value>& Value::items() const { return std::get<std::shared_ptr<const List>>(data_)->items; }
inline ListKind Value::list_kind() const { return std::get<std::shared_ptr<const List>>(data_)->kind; }

}  // namespace covey::jinja
