// "Did you mean …?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace covey {

/// The choice nearest to `word` by edit distance, or an empty string if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& choices);

/// "a, b, c".
std::string joined(const std::vector<std::string>& words);

}  // namespace covey
