// Arbitrary text through a fixed vocabulary, and arbitrary vocabularies: nothing crashes, ids are in range, and what
// the fixed vocabulary encodes comes back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "covey/error.hpp"
#include "model/tokenizer.hpp"
#include "tests/fuzz/token_checks.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace {

using namespace covey;

std::unique_ptr<Tokenizer> fixed_tokenizer() {
  MadeVocabulary made;
  float score = 0;
  for (const char* text :
       {"▁", "a", "b", "e", "h", "t", "é", "漢", "th", "the", "▁th", "▁the", "he", "aa", "aaaa", "▁▁"}) {
    made.add(text, score -= 1.0F);
  }
  made.add("<mark>", 0, TokenKind::user_defined);
  made.add("  ", 0, TokenKind::user_defined);
  made.add("<|im_end|>", 0, TokenKind::control);
  return Tokenizer::from_gguf(made.gguf(set_usual_ids));
}

void fuzz_text(const Tokenizer& tokenizer, std::string_view text) {
  for (const bool special : {false, true}) {
    const std::vector<Token> tokens = tokenizer.encode(text, {.bos = false, .special = special});
    check_tokens(tokenizer, tokens, special);
    bool round_trips = text.find("▁") == std::string_view::npos;  // it reads as a space
    for (const Token token : tokens) {
      const TokenKind kind = tokenizer.token_kind(token);
      round_trips = round_trips && (kind == TokenKind::normal || kind == TokenKind::byte);
    }
    if (round_trips) require(tokenizer.decode(tokens, special) == text);
  }
}

/// Reads the vocabulary from the bytes: for each token a byte of kind, one of score, one of length, the text. A kind of
/// 0 ends it; what is left is the text to encode.
void fuzz_vocabulary(std::string_view bytes) {
  const auto take = [&bytes]() -> std::uint8_t {
    if (bytes.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    return byte;
  };
  const std::uint8_t flags = take();
  MadeVocabulary made((flags & 1U) != 0);
  while (const std::uint8_t kind = take()) {
    const auto score = static_cast<float>(static_cast<std::int8_t>(take()));
    const std::size_t length = std::min<std::size_t>(take() % 16, bytes.size());
    made.add(bytes.substr(0, length), score);
    made.types.back() = kind % 8;
    bytes.remove_prefix(length);
  }
  try {
    const auto tokenizer = Tokenizer::from_gguf(made.gguf([flags](MadeGguf& gguf) {
      if ((flags & 2U) != 0) gguf.set("tokenizer.ggml.add_space_prefix", (flags & 4U) != 0);
      if ((flags & 8U) != 0) gguf.set("tokenizer.ggml.bos_token_id", std::uint32_t{flags});
    }));
    for (const bool special : {false, true}) {
      check_tokens(*tokenizer, tokenizer->encode(bytes, {.bos = std::nullopt, .special = special}), special);
    }
  } catch (const Error&) {
    return;
  }
}

/// The bytes as a whole GGUF file.
void fuzz_file(std::string_view bytes) {
  try {
    const GgufFile file = GgufFile::parse(std::as_bytes(std::span<const char>(bytes)), "fuzz");
    const auto tokenizer = Tokenizer::from_gguf(file);
    check_tokens(*tokenizer, tokenizer->encode("the text <s>", {.bos = std::nullopt, .special = true}), true);
  } catch (const Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Tokenizer> fixed = fixed_tokenizer();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      fuzz_text(*fixed, bytes);
      break;
    case 1:
      fuzz_vocabulary(bytes);
      break;
    default:
      fuzz_file(bytes);
      break;
  }
  return 0;
}
