// What the tokenizers of all kinds share: special tokens, BOS and EOS, the facts of a vocabulary.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/special_tokens.hpp"
#include "model/tokenizer.hpp"
#include "model/vocabulary.hpp"

namespace covey {

class VocabularyTokenizer : public Tokenizer {
 public:
  std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const final;
  std::string piece(Token token, bool special) const final;

  std::int32_t size() const final { return vocabulary_.size(); }
  std::string_view text(Token token) const final { return vocabulary_.text(token); }
  TokenKind token_kind(Token token) const final { return vocabulary_.kind(token); }
  std::optional<Token> bos() const final { return vocabulary_.bos(); }
  std::optional<Token> eos() const final { return vocabulary_.eos(); }
  bool ends_text(Token token) const final { return vocabulary_.ends_text(token); }

 protected:
  /// Throws Error as Vocabulary does. `add_bos`: where the file leaves it open, and there is a BOS token.
  VocabularyTokenizer(const GgufFile& file, VocabularyStyle style, bool add_bos);

  /// Appends the tokens of `text`, which is not empty and stands at the beginning, after a special token, or, if it
  /// `continues`, after ordinary text.
  virtual void cut(std::string_view text, bool continues, std::vector<Token>& tokens) const = 0;
  /// The bytes that a normal token's text stands for.
  virtual std::string plain(std::string_view text) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
  SpecialTokens always_;      // user-defined
  SpecialTokens on_request_;  // those, and control and unknown tokens
  bool add_bos_;
};

}  // namespace covey
