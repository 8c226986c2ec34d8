// What a model file as a whole says its weights are: "Q4_0", or a mixture of types such as "Q4_K_M".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

inline constexpr std::string_view kFileTypeKey = "general.file_type";

/// Number that "general.file_type" gives to a mixture, or to a plain type. Source: the GGUF specification.
std::optional<std::uint32_t> file_type_number(std::string_view name);

/// The file's own word for its weights, or the type that most of them have.
std::string weight_format(const GgufFile& file);

}  // namespace covey
