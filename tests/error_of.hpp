// The message of an Error that is expected.
#pragma once

#include <functional>
#include <string>

#include "covey/error.hpp"

namespace covey {

/// The message of the Error that `work` throws; "(no error)" if it throws none.
inline std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace covey
