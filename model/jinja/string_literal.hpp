// Escapes in string literals.
#pragma once

#include <string>
#include <string_view>

namespace covey::jinja {

/// What a literal stands for, given what is written between its quotes. Python's escapes but for \N{…}; an unknown one
/// stays as it is. Throws Error for one that is cut short.
std::string unescaped(std::string_view written);

}  // namespace covey::jinja
