// What holds for the tokens of any text.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.hpp"
#include "model/utf8.hpp"

namespace covey {

/// Failing loudly is what the fuzzer looks for.
inline void require(bool good) {
  if (!good) std::abort();
}

/// All text, invalid bytes replaced: what a stream of tokens must add up to.
inline std::string replaced(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const Utf8Step step = utf8_step(bytes);
    text += step.state == Utf8State::complete ? bytes.substr(0, step.length) : kReplacementCharacter;
    bytes.remove_prefix(step.length);
  }
  return text;
}

inline void check_tokens(const Tokenizer& tokenizer, const std::vector<Token>& tokens, bool special) {
  Detokenizer detokenizer(tokenizer, true, special);
  std::string streamed;
  for (const Token token : tokens) {
    require(token >= 0 && token < tokenizer.size());
    const std::string part = detokenizer.push(token);
    require(replaced(part) == part);
    streamed += part;
  }
  streamed += detokenizer.finish();
  require(streamed == replaced(tokenizer.decode(tokens, special)));
}

}  // namespace covey
