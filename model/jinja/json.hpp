// JSON to values and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/jinja/runtime.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// Objects keep their order. Whole numbers beyond 64 bits become floating ones. Throws Error with the place of what is
/// wrong, `name` standing for the text.
Value parse_json(std::string_view text, const std::string& name);

/// As Python's json.dumps writes it.
struct JsonFormat {
  bool ascii = false;                 ///< other characters as \u…
  std::optional<std::string> indent;  ///< of one level; unset: all on one line
  std::string between = ", ";         ///< items
  std::string after_key = ": ";
  bool sort_keys = false;
};

/// Throws Error for values that JSON doesn't have, as undefined and functions.
std::string to_json(Runtime& runtime, const Value& value, const JsonFormat& format);

}  // namespace covey::jinja
