#include "cli/name_checks.hpp"

#include <fmt/format.h>

#include "cli/suggestion.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

CLI::Validator a_name(const std::vector<std::string>& names, bool (*known)(const std::string&)) {
  return {[names, known](std::string& text) {
            return known(text) ? std::string() : fmt::format("'{}' is unknown: choose {}", text, joined(names));
          },
          ""};
}

std::vector<std::string> tensor_type_names() {
  std::vector<std::string> names;
  for (const Format& format : formats()) names.emplace_back(tensor_type_info(format.type).name);
  return names;
}

CLI::Validator a_tensor_type() {
  return a_name(tensor_type_names(), [](const std::string& text) {
    const TensorTypeInfo* info = find_tensor_type(text);
    return info != nullptr && find_format(info->type) != nullptr;
  });
}

}  // namespace covey
