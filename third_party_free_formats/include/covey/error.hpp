// The one exception type of Covey.
#pragma once

#include <stdexcept>
#include <string>

namespace covey {

/// Thrown at open, at initialisation and on bad input. `what()` is one sentence that names the file, flag or rank at
/// fault, and says what to do about it where that is not plain. Kernels never throw.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace covey
