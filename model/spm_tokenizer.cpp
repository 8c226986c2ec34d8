#include "model/spm_tokenizer.hpp"

#include <algorithm>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581, how a vocabulary writes a space

std::string escape_spaces(std::string_view text, bool prefix) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2 + kSpace.size());
  if (prefix) escaped += kSpace;
  for (const char c : text) {
    if (c == ' ') {
      escaped += kSpace;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string unescape_spaces(std::string_view text) {
  std::string plain;
  while (true) {
    const std::size_t at = text.find(kSpace);
    plain += text.substr(0, at);
    if (at == std::string_view::npos) return plain;
    plain += ' ';
    text.remove_prefix(at + kSpace.size());
  }
}

}  // namespace

SpmTokenizer::SpmTokenizer(const GgufFile& file)
    : vocabulary_(file),
      merge_(vocabulary_),
      add_bos_(vocabulary_.add_bos().value_or(vocabulary_.bos().has_value())),
      add_space_prefix_(vocabulary_.add_space_prefix().value_or(true)) {
  for (Token token = 0; token < vocabulary_.size(); ++token) {
    const TokenKind kind = vocabulary_.kind(token);
    if (kind == TokenKind::user_defined) always_.add(vocabulary_.text(token), token);
    if (kind == TokenKind::user_defined || kind == TokenKind::control || kind == TokenKind::unknown) {
      on_request_.add(vocabulary_.text(token), token);
    }
  }
}

std::vector<Token> SpmTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<Token> tokens;
  if (options.bos.value_or(add_bos_)) {
    if (!vocabulary_.bos()) throw Error("a BOS token was asked for, but the model's vocabulary has none");
    tokens.push_back(*vocabulary_.bos());
  }
  bool prefix = add_space_prefix_;
  for (const TextFragment& fragment : (options.special ? on_request_ : always_).split(text)) {
    if (fragment.token) {
      tokens.push_back(*fragment.token);
    } else {
      merge_.cut(escape_spaces(fragment.text, prefix), tokens);
    }
    prefix = add_space_prefix_ && fragment.token.has_value();
  }
  return tokens;
}

std::string SpmTokenizer::piece(Token token, bool special) const {
  const std::string_view text = vocabulary_.text(token);
  switch (vocabulary_.kind(token)) {
    case TokenKind::byte:
      return {static_cast<char>(vocabulary_.byte_of(token))};
    case TokenKind::user_defined:
      return std::string(text);  // matched in the text before spaces are escaped
    case TokenKind::control:
    case TokenKind::unknown:
      return std::string(special ? text : std::string_view());
    case TokenKind::normal:
    case TokenKind::unused:
      break;
  }
  return unescape_spaces(text);
}

std::string SpmTokenizer::decode(std::span<const Token> tokens, bool special) const {
  std::string text;
  bool at_start = add_space_prefix_;
  for (const Token token : tokens) {
    const std::string piece = this->piece(token, special);
    const TokenKind kind = vocabulary_.kind(token);
    const bool ordinary = kind != TokenKind::control && kind != TokenKind::unknown && kind != TokenKind::user_defined;
    // A byte token for a space is no space that encode() added: those are written U+2581.
    const bool added = at_start && ordinary && kind != TokenKind::byte && piece.starts_with(' ');
    text += added ? std::string_view(piece).substr(1) : std::string_view(piece);
    at_start = at_start && !ordinary;
  }
  return text;
}

}  // namespace covey
