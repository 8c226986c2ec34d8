// SentencePiece as llama-family models use it: scored merges with byte fallback (tokenizer.ggml.model == "llama").
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/spm_merge.hpp"
#include "model/vocabulary_tokenizer.hpp"

namespace covey {

/// Text is cut in three steps:
///   1. special tokens written in it are set apart (special_tokens.hpp);
///   2. in what lies between, spaces become U+2581 and, if the vocabulary asks for it, one more is put first;
///   3. starting from single characters, the two neighbours whose union scores highest in the vocabulary merge, until
///      none do. Characters that are no token are spelled in byte tokens.
class SpmTokenizer final : public VocabularyTokenizer {
 public:
  static constexpr std::string_view kKind = "llama";

  /// Throws Error as Vocabulary does.
  explicit SpmTokenizer(const GgufFile& file);
  static std::unique_ptr<Tokenizer> make(const GgufFile& file) { return std::make_unique<SpmTokenizer>(file); }

  std::string decode(std::span<const Token> tokens, bool special) const override;
  std::string_view kind() const override { return kKind; }

 private:
  void cut(std::string_view text, bool continues, std::vector<Token>& tokens) const override;
  std::string plain(std::string_view text) const override;

  SpmMerge merge_;
  bool add_space_prefix_;
};

}  // namespace covey
