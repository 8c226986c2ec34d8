// Checks of names that come from lists of the library, in any spelling that the library takes.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace covey {

/// A text that is `known`; otherwise the error lists `names`.
CLI::Validator a_name(const std::vector<std::string>& names, bool (*known)(const std::string&));

/// The types of tensors that Covey computes with.
std::vector<std::string> tensor_type_names();
CLI::Validator a_tensor_type();

}  // namespace covey
