// GGUF metadata values for people and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// `text` with its control characters escaped, for they could drive a terminal.
std::string printable(std::string_view text);

/// One line; long strings and arrays are cut short, with how much there is.
std::string metadata_text(const GgufValue& value);

/// The whole value. Numbers that JSON does not know (NaN, infinities) become null.
nlohmann::ordered_json metadata_json(const GgufValue& value);

}  // namespace covey
