// From lines, typed or read from a pipe, to messages.
#pragma once

#include <optional>
#include <string>

namespace covey {

/// Where lines come from.
class LineSource {
 public:
  struct Line {
    std::string text;       ///< without its end
    bool followed = false;  ///< more was pasted together with it
  };

  virtual ~LineSource() = default;
  /// Nothing at the end of the input. `continues`: the line is not the first of its message. Throws Interrupted, or
  /// Error if the input can't be read.
  virtual std::optional<Line> next(bool continues) = 0;
};

struct TypedMessage {
  std::string text;      ///< valid UTF-8: other bytes are replaced by U+FFFD
  bool literal = false;  ///< fenced or pasted: never a command
};

/// A message is a line; it goes on in the next line after a backslash, between lines that begin and end with """, and
/// where lines were pasted together. Nothing at the end of the input.
std::optional<TypedMessage> read_message(LineSource& lines);

}  // namespace covey
