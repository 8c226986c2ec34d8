// SentencePiece as llama-family models use it: scored merges with byte fallback (tokenizer.ggml.model == "llama").
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/special_tokens.hpp"
#include "model/spm_merge.hpp"
#include "model/tokenizer.hpp"
#include "model/vocabulary.hpp"

namespace covey {

/// Text is cut in three steps:
///   1. special tokens written in it are set apart (special_tokens.hpp);
///   2. in what lies between, spaces become U+2581 and, if the vocabulary asks for it, one more is put first;
///   3. starting from single characters, the two neighbours whose union scores highest in the vocabulary merge, until
///      none do. Characters that are no token are spelled in byte tokens.
class SpmTokenizer final : public Tokenizer {
 public:
  static constexpr std::string_view kKind = "llama";

  /// Throws Error as Vocabulary does.
  explicit SpmTokenizer(const GgufFile& file);
  static std::unique_ptr<Tokenizer> make(const GgufFile& file) { return std::make_unique<SpmTokenizer>(file); }

  std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string piece(Token token, bool special) const override;
  std::string decode(std::span<const Token> tokens, bool special) const override;

  std::string_view kind() const override { return kKind; }
  std::int32_t size() const override { return vocabulary_.size(); }
  std::string_view text(Token token) const override { return vocabulary_.text(token); }
  TokenKind token_kind(Token token) const override { return vocabulary_.kind(token); }
  std::optional<Token> bos() const override { return vocabulary_.bos(); }
  std::optional<Token> eos() const override { return vocabulary_.eos(); }
  bool ends_text(Token token) const override { return vocabulary_.ends_text(token); }

 private:
  Vocabulary vocabulary_;
  SpmMerge merge_;
  SpecialTokens always_;      // user-defined
  SpecialTokens on_request_;  // those, and control and unknown tokens
  bool add_bos_;
  bool add_space_prefix_;
};

}  // namespace covey
