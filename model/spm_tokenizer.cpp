#include "model/spm_tokenizer.hpp"

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

/// None at the ends, no two in a row.
std::string single_spaces(std::string_view text) {
  std::string single;
  for (const char c : text) {
    if (c != ' ' || (!single.empty() && single.back() != ' ')) single += c;
  }
  if (single.ends_with(' ')) single.pop_back();
  return single;
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
    : VocabularyTokenizer(file, VocabularyStyle::scored, true),
      merge_(vocabulary()),
      add_space_prefix_(vocabulary().add_space_prefix().value_or(true)) {}

void SpmTokenizer::cut(std::string_view text, bool continues, std::vector<Token>& tokens) const {
  std::string single;
  if (vocabulary().remove_extra_whitespaces()) text = single = single_spaces(text);
  if (!text.empty()) merge_.cut(escape_spaces(text, add_space_prefix_ && !continues), tokens);
}

std::string SpmTokenizer::plain(std::string_view text) const { return unescape_spaces(text); }

std::string SpmTokenizer::decode(std::span<const Token> tokens, bool special) const {
  std::string text;
  bool at_start = add_space_prefix_;
  for (const Token token : tokens) {
    const std::string piece = this->piece(token, special);
    const TokenKind kind = vocabulary().kind(token);
    const bool ordinary = kind != TokenKind::control && kind != TokenKind::unknown && kind != TokenKind::user_defined;
    // A byte token for a space is no space that encode() added: those are written U+2581.
    const bool added = at_start && ordinary && kind != TokenKind::byte && piece.starts_with(' ');
    text += added ? std::string_view(piece).substr(1) : std::string_view(piece);
    at_start = at_start && !ordinary;
  }
  return text;
}

}  // namespace covey
