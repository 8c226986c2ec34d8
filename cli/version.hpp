// What this program is.
#pragma once

#include <string>

namespace covey {

/// The version, then what was built in and the instruction sets that run here.
std::string version_text();

}  // namespace covey
