// Grammars and vocabularies for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "covey/error.hpp"
#include "model/grammar/automaton.hpp"
#include "model/grammar/gbnf.hpp"
#include "model/grammar/schema.hpp"
#include "model/grammar/state_space.hpp"
#include "model/tokenizer.hpp"

namespace covey::grammar {

/// A vocabulary that is the texts given; an empty one is a token that ends the text.
class ListTokenizer final : public Tokenizer {
 public:
  explicit ListTokenizer(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  std::vector<Token> encode(std::string_view, const EncodeOptions&) const override { return {}; }
  std::string piece(Token token, bool) const override { return pieces_[static_cast<std::size_t>(token)]; }
  std::string decode(std::span<const Token> tokens, bool special) const override {
    std::string out;
    for (const Token token : tokens) out += piece(token, special);
    return out;
  }
  std::string_view kind() const override { return "list"; }
  std::int32_t size() const override { return static_cast<std::int32_t>(pieces_.size()); }
  std::string_view text(Token token) const override { return pieces_[static_cast<std::size_t>(token)]; }
  TokenKind token_kind(Token token) const override { return ends_text(token) ? TokenKind::control : TokenKind::normal; }
  std::optional<Token> bos() const override { return std::nullopt; }
  std::optional<Token> eos() const override { return std::nullopt; }
  bool ends_text(Token token) const override { return text(token).empty(); }

 private:
  std::vector<std::string> pieces_;
};

/// The end of the text, all bytes, then `more`.
inline ListTokenizer byte_vocabulary(const std::vector<std::string>& more = {}) {
  std::vector<std::string> pieces{""};
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  pieces.insert(pieces.end(), more.begin(), more.end());
  return ListTokenizer(std::move(pieces));
}

inline Rules gbnf(std::string_view text) { return parse_gbnf(text, "test"); }
inline Rules schema(std::string_view text) { return parse_json_schema(text, "test"); }
inline std::shared_ptr<const Automaton> automaton(const Rules& rules) {
  return std::make_shared<const Automaton>(rules);
}

enum class Verdict { no, beginning, whole };  ///< beginning: more has to come

class Recogniser {
 public:
  explicit Recogniser(const Rules& rules) : space_(automaton(rules)) {}
  Verdict operator()(std::string_view text) {
    StateId state = space_.start();
    for (const char byte : text) state = space_.next(state, static_cast<std::uint8_t>(byte));
    if (state == kNoState) return Verdict::no;
    return space_.may_end(state) ? Verdict::whole : Verdict::beginning;
  }
  bool whole(std::string_view text) { return (*this)(text) == Verdict::whole; }

 private:
  StateSpace space_;
};

/// What `make` throws; empty if nothing.
template <class Make>
std::string error_text(const Make& make) {
  try {
    make();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace covey::grammar
