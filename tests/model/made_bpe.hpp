// Byte-level vocabularies made for tests.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/byte_letters.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {

/// A vocabulary to be changed before it is written: tokens 0 to 255 are the bytes.
struct MadeBpe {
  std::vector<std::string> texts;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;

  MadeBpe() {
    for (int byte = 0; byte < 256; ++byte) add(letter_of(static_cast<std::uint8_t>(byte)));
  }

  Token add(std::string_view text, TokenKind kind = TokenKind::normal) {
    texts.emplace_back(text);
    types.push_back(static_cast<std::int32_t>(kind));
    return static_cast<Token>(texts.size() - 1);
  }

  /// Both as bytes. Adds the merge, and the token that it makes.
  Token merge(std::string_view left, std::string_view right) {
    merges.push_back(to_letters(left) + " " + to_letters(right));
    return add(to_letters(left) + to_letters(right));
  }

  /// `more` may set further keys.
  GgufFile gguf(std::string_view pre = "gpt-2", const std::function<void(MadeGguf&)>& more = {}) const {
    MadeGguf gguf;
    gguf.set("tokenizer.ggml.model", std::string_view("gpt2"));
    if (!pre.empty()) gguf.set("tokenizer.ggml.pre", pre);
    gguf.set("tokenizer.ggml.tokens", texts);
    gguf.set("tokenizer.ggml.token_type", types);
    gguf.set("tokenizer.ggml.merges", merges);
    if (more) more(gguf);
    return gguf.parse();
  }
};

}  // namespace covey
