// Ranks work together only if they run the same version.
#pragma once

#include <string_view>

namespace covey {

/// "0.1.0"
std::string_view program_version();

}  // namespace covey
