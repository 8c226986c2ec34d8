// Arbitrary text through a byte-level vocabulary with each pre-tokenizer, and arbitrary vocabularies: nothing crashes,
// ids are in range, and what the fixed vocabulary encodes comes back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "covey/error.hpp"
#include "model/pre_tokenizer_rules.hpp"
#include "model/tokenizer.hpp"
#include "tests/fuzz/token_checks.hpp"
#include "tests/model/made_bpe.hpp"

namespace {

using namespace covey;

std::vector<std::unique_ptr<Tokenizer>> fixed_tokenizers() {
  MadeBpe made;
  made.merge("t", "h");
  made.merge("th", "e");
  made.merge(" ", "the");
  made.merge("a", "a");
  made.merge("aa", "aa");
  made.merge(" ", " ");
  made.merge("\xC3", "\xA9");
  made.merge("1", "2");
  made.add("they");
  made.add("<mark>", TokenKind::user_defined);
  made.add("   ", TokenKind::user_defined);
  made.add("<|im_end|>", TokenKind::control);
  std::vector<std::unique_ptr<Tokenizer>> tokenizers;
  for (const PreTokenizerRule& rule : pre_tokenizer_rules()) {
    tokenizers.push_back(Tokenizer::from_gguf(made.gguf(rule.names[0])));
  }
  return tokenizers;
}

void fuzz_text(const Tokenizer& tokenizer, std::string_view text) {
  for (const bool special : {false, true}) {
    const std::vector<Token> tokens = tokenizer.encode(text, {.bos = false, .special = special});
    check_tokens(tokenizer, tokens, special);
    require(tokenizer.decode(tokens, special) == text);
  }
}

/// Reads the vocabulary from the bytes. After a byte for the pre-tokenizer, each entry begins with a byte of kind: odd
/// ones are merges, of two earlier tokens given in a byte each; even ones are tokens, a byte of length and the text. A
/// kind of 0 ends it; what is left is the text to encode.
void fuzz_vocabulary(std::string_view bytes) {
  const auto take = [&bytes]() -> std::uint8_t {
    if (bytes.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    return byte;
  };
  const auto rules = pre_tokenizer_rules();
  const PreTokenizerRule& rule = rules[take() % rules.size()];
  MadeBpe made;
  while (const std::uint8_t kind = take()) {
    if (kind % 2 == 1) {
      const std::string left = made.texts[take() % made.texts.size()], right = made.texts[take() % made.texts.size()];
      if (left.size() + right.size() > 64) continue;
      made.merges.push_back(left + " " + right);
      if (kind < 0xF0) made.add(left + right);
    } else {
      const std::size_t length = std::min<std::size_t>(take() % 16, bytes.size());
      made.add(bytes.substr(0, length));
      made.types.back() = kind / 2 % 8;
      bytes.remove_prefix(length);
    }
  }
  try {
    const auto tokenizer = Tokenizer::from_gguf(made.gguf(rule.names[0]));
    for (const bool special : {false, true}) {
      check_tokens(*tokenizer, tokenizer->encode(bytes, {.bos = std::nullopt, .special = special}), special);
    }
  } catch (const Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::unique_ptr<Tokenizer>> fixed = fixed_tokenizers();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    fuzz_text(*fixed[data[0] / 2 % fixed.size()], bytes);
  } else {
    fuzz_vocabulary(bytes);
  }
  return 0;
}
