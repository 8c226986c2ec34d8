// A vocabulary as a GGUF file stores it (tokenizer.ggml.*), checked.
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Tokenizer".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.hpp"
#include "model/tokenizer.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

enum class VocabularyStyle : std::uint8_t {
  scored,      ///< SentencePiece: scores rank the merges; bytes are tokens of kind byte, "<0x41>"
  byte_level,  ///< BPE: merges are listed; normal tokens are written in the letters of byte_letters.hpp
};

/// Immutable. Where two tokens have the same text, the lower id is the one that is found.
class Vocabulary {
 public:
  /// Throws Error naming the file and the key that is missing or inconsistent.
  explicit Vocabulary(const GgufFile& file, VocabularyStyle style = VocabularyStyle::scored);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  std::int32_t size() const { return static_cast<std::int32_t>(texts_.size()); }
  std::string_view text(Token token) const { return texts_[static_cast<std::size_t>(token)]; }
  /// Scored vocabularies only.
  float score(Token token) const { return scores_[static_cast<std::size_t>(token)]; }
  TokenKind kind(Token token) const { return kinds_[static_cast<std::size_t>(token)]; }

  /// The token that text without special tokens may be cut into: normal, unused or, if scored, user-defined. Control,
  /// unknown and byte tokens are never found, so no ordinary text can turn into one. Nor are user-defined tokens of a
  /// byte-level vocabulary, which are not written in its letters.
  std::optional<Token> find_piece(std::string_view text) const;
  std::optional<Token> byte_token(std::uint8_t byte) const;
  /// The byte that `token`, of kind byte, stands for.
  std::uint8_t byte_of(Token token) const;

  std::optional<Token> bos() const { return bos_; }
  std::optional<Token> eos() const { return eos_; }
  /// Present wherever a scored vocabulary misses a byte token.
  std::optional<Token> unknown() const { return unknown_; }
  /// As stored; nullopt where the file leaves it to the kind of tokenizer.
  std::optional<bool> add_bos() const { return add_bos_; }
  std::optional<bool> add_space_prefix() const { return add_space_prefix_; }
  bool remove_extra_whitespaces() const { return remove_extra_whitespaces_; }
  bool ends_text(Token token) const;

 private:
  void read_tokens(const GgufFile& file);
  void read_scores(const GgufFile& file);
  void read_kinds(const GgufFile& file);
  void read_special_ids(const GgufFile& file);
  void index(const GgufFile& file);
  void index_byte(Token token, std::uint8_t byte);

  VocabularyStyle style_;
  std::vector<std::string> texts_;                      // (size)
  std::vector<float> scores_;                           // (size), empty if byte-level
  std::vector<TokenKind> kinds_;                        // (size)
  std::unordered_map<std::string_view, Token> pieces_;  // views of texts_
  std::array<std::optional<Token>, 256> byte_tokens_;
  std::vector<Token> ends_;  // sorted
  std::optional<Token> bos_, eos_, unknown_;
  std::optional<bool> add_bos_, add_space_prefix_;
  bool remove_extra_whitespaces_ = false;
};

}  // namespace covey
