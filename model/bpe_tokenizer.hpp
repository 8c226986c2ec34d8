// Byte-level byte-pair encoding, as GPT-2 has it and most models since (tokenizer.ggml.model == "gpt2").
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/bpe_merges.hpp"
#include "model/pre_tokenizer.hpp"
#include "model/vocabulary_tokenizer.hpp"

namespace covey {

/// Text is cut in three steps:
///   1. special tokens written in it are set apart (special_tokens.hpp);
///   2. what lies between falls into pieces, words as a rule, by the model's expressions (pre_tokenizer.hpp);
///   3. within each piece, beginning with single bytes, neighbours merge in the order of the vocabulary's list of
///   merges
///      (bpe_merger.hpp). Some models look first whether the whole piece is a token.
class BpeTokenizer final : public VocabularyTokenizer {
 public:
  static constexpr std::string_view kKind = "gpt2";

  /// Throws Error naming the file if its vocabulary is inconsistent, or its pre-tokenizer (tokenizer.ggml.pre) unknown.
  explicit BpeTokenizer(const GgufFile& file);
  static std::unique_ptr<Tokenizer> make(const GgufFile& file) { return std::make_unique<BpeTokenizer>(file); }

  std::string decode(std::span<const Token> tokens, bool special) const override;
  std::string_view kind() const override { return kKind; }

 private:
  BpeTokenizer(const GgufFile& file, const PreTokenizerRule& rule);
  void cut(std::string_view text, bool continues, std::vector<Token>& tokens) const override;
  std::string plain(std::string_view text) const override;
  std::optional<Token> whole(std::string_view piece) const;

  PreTokenizer pre_tokenizer_;
  BpeMerges merges_;
  bool whole_first_;
  std::size_t longest_ = 0;  // bytes of the longest token's text
};

}  // namespace covey
