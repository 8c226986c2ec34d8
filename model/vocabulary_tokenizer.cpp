#include "model/vocabulary_tokenizer.hpp"

#include "covey/error.hpp"

namespace covey {
namespace {

void append(std::vector<Token>& tokens, std::optional<Token> token, const char* name) {
  if (!token) throw Error(std::string(name) + " was asked for, but the model's vocabulary has none");
  tokens.push_back(*token);
}

}  // namespace

VocabularyTokenizer::VocabularyTokenizer(const GgufFile& file, VocabularyStyle style, bool add_bos)
    : vocabulary_(file, style), add_bos_(vocabulary_.add_bos().value_or(add_bos && vocabulary_.bos().has_value())) {
  for (Token token = 0; token < vocabulary_.size(); ++token) {
    const TokenKind kind = vocabulary_.kind(token);
    if (kind == TokenKind::user_defined) always_.add(vocabulary_.text(token), token);
    if (kind == TokenKind::user_defined || kind == TokenKind::control || kind == TokenKind::unknown) {
      on_request_.add(vocabulary_.text(token), token);
    }
  }
}

std::vector<Token> VocabularyTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<Token> tokens;
  if (options.bos.value_or(add_bos_ && !options.continues)) append(tokens, vocabulary_.bos(), "a BOS token");
  for (const TextFragment& fragment : (options.special ? on_request_ : always_).split(text)) {
    if (fragment.token) {
      tokens.push_back(*fragment.token);
    } else {
      cut(fragment.text, options.continues && fragment.text.data() == text.data(), tokens);
    }
  }
  if (options.eos) append(tokens, vocabulary_.eos(), "an EOS token");
  return tokens;
}

std::string VocabularyTokenizer::piece(Token token, bool special) const {
  const std::string_view text = vocabulary_.text(token);
  switch (vocabulary_.kind(token)) {
    case TokenKind::byte:
      return {static_cast<char>(vocabulary_.byte_of(token))};
    case TokenKind::user_defined:
      return std::string(text);  // found in the text as it was written
    case TokenKind::control:
    case TokenKind::unknown:
      return std::string(special ? text : std::string_view());
    case TokenKind::normal:
    case TokenKind::unused:
      break;
  }
  return plain(text);
}

}  // namespace covey
