#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "model/tokenizer.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool at_start, bool special)
    : tokenizer_(&tokenizer), at_start_(at_start), special_(special) {}

std::string Detokenizer::push(Token token) {
  if (at_start_) {
    held_ += tokenizer_->decode(std::span<const Token>(&token, 1), special_);
    // The space lies before the first ordinary text, which special tokens may precede.
    const TokenKind kind = tokenizer_->token_kind(token);
    at_start_ = kind == TokenKind::control || kind == TokenKind::unknown || kind == TokenKind::user_defined;
  } else {
    held_ += tokenizer_->piece(token, special_);
  }

  std::string text;
  std::string_view rest = held_;
  while (!rest.empty()) {
    const Utf8Step step = utf8_step(rest);
    if (step.state == Utf8State::truncated) break;
    text += step.state == Utf8State::complete ? rest.substr(0, step.length) : kReplacementCharacter;
    rest.remove_prefix(step.length);
  }
  held_.erase(0, held_.size() - rest.size());
  return text;
}

std::string Detokenizer::finish() {
  const std::string held = std::exchange(held_, {});
  return std::string(held.empty() ? std::string_view() : kReplacementCharacter);
}

}  // namespace covey
