// What holds for the tokens of any text.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey {

/// Failing loudly is what the fuzzer looks for.
inline void require(bool good) {
  if (!good) std::abort();
}

inline void check_tokens(const Tokenizer& tokenizer, const std::vector<Token>& tokens, bool special) {
  Detokenizer detokenizer(tokenizer, true, special);
  std::string streamed;
  for (const Token token : tokens) {
    require(token >= 0 && token < tokenizer.size());
    const std::string part = detokenizer.push(token);
    require(valid_utf8(part) == part);
    streamed += part;
  }
  streamed += detokenizer.finish();
  require(streamed == valid_utf8(tokenizer.decode(tokens, special)));
}

}  // namespace covey
