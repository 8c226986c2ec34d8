// --lora: adapters beside a model.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "covey/covey.hpp"

namespace covey {

/// "FILE" or "FILE:SCALE". What follows the last colon is the scale if it reads as a number, else part of the name; a
/// file whose name ends in a colon and a number is given as "FILE:1". Throws Error for a scale that is not finite.
LoraAdapter parse_lora(const std::string& text);
std::vector<LoraAdapter> parse_loras(const std::vector<std::string>& texts);

/// The flag must live as long as the parser is used.
void add_lora_flag(CLI::App& parser, std::vector<std::string>& texts);

}  // namespace covey
