#include "cli/lora_flags.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace covey {

LoraAdapter parse_lora(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return {text, 1.0F};
  float scale = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + colon + 1, end, scale);
  if (stop != end || failure == std::errc::invalid_argument) return {text, 1.0F};
  if (failure != std::errc() || !std::isfinite(scale)) {
    throw Error(fmt::format("the scale of '{}' is not a finite number", text));
  }
  return {text.substr(0, colon), scale};
}

std::vector<LoraAdapter> parse_loras(const std::vector<std::string>& texts) {
  std::vector<LoraAdapter> adapters;
  for (const std::string& text : texts) adapters.push_back(parse_lora(text));
  return adapters;
}

void add_lora_flag(CLI::App& parser, std::vector<std::string>& texts) {
  parser.add_option("--lora", texts, "LoRA adapter in GGUF, merged into the weights at load; may be given many times")
      ->check([](const std::string& text) {
        try {
          parse_lora(text);
          return std::string();
        } catch (const Error& error) {
          return std::string(error.what());
        }
      })
      ->allow_extra_args(false)
      ->option_text("FILE[:SCALE]");
}

}  // namespace covey
