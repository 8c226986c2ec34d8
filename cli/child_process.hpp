// Another program, run to its end.
#pragma once

#include <string>
#include <vector>

namespace covey {

struct ChildEnd {
  int code = 0;  ///< exit code; 128 + signal if one ended it
  std::string out, err;
};

/// Runs `command` without standard input. An interrupt of this program ends the child, and throws Interrupted. Throws
/// Error if it can't be started.
ChildEnd run_child(const std::vector<std::string>& command);

}  // namespace covey
