// Text of unknown origin, made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace covey {

/// `text` in quotes: bytes other than printable ASCII as \xNN, long text cut short.
std::string in_quotes(std::string_view text);

}  // namespace covey
