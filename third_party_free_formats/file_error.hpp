// What the system says when a file cannot be used, as an Error.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "covey/error.hpp"

namespace covey {

/// To be called right after the system call that failed: reads errno.
inline Error file_error(const std::string& path, const char* what) {
  return Error(path + ": " + what + ": " + std::generic_category().message(errno));
}

}  // namespace covey
