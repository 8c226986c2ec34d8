// Cuts a template into tokens. Trims as Hugging Face asks Jinja to: trim_blocks and lstrip_blocks are on.
// Source: https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covey::jinja {

enum class TokenType : std::uint8_t {
  text,            ///< outside of tags
  variable_begin,  ///< {{
  variable_end,    ///< }}
  block_begin,     ///< {%
  block_end,       ///< %}
  name,
  string,
  integer,
  real,
  op,
  end,  ///< of the template; there is always one
};

struct Token {
  TokenType type;
  std::string text;  ///< of a string: what it stands for
  int line;          ///< from 1
};

/// Throws TemplateError.
std::vector<Token> tokens_of(std::string_view source);

}  // namespace covey::jinja
