// Dictionaries that remember the order in which keys came.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/jinja/value.hpp"

namespace covey::jinja {

/// Keys are strings, numbers, booleans, none, or short tuples of these; 1, 1.0 and true are one key, as in Python.
class Dict {
 public:
  struct Entry {
    Value key;
    Value value;
  };

  Dict() = default;
  Dict(std::initializer_list<Entry> entries);

  /// Replaces the value of a key that is there. Throws Error if `key` is of a kind that can't be one.
  void set(const Value& key, Value value);
  /// nullptr where absent, also if `key` is of a kind that can't be one.
  const Value* find_key(const Value& key) const;
  const Value* find(std::string_view key) const;

  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  int depth() const { return depth_; }

 private:
  const std::size_t* position(std::string_view name) const;

  std::vector<Entry> entries_;
  std::vector<Value> names_;                                 // (size): strings that equal keys have in common
  std::unordered_map<std::string_view, std::size_t> index_;  // views of names_, whose texts are shared by copies
  int depth_ = 1;
};

}  // namespace covey::jinja
