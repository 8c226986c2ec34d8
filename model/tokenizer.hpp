// Text to tokens and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// tokenizer.ggml.token_type
enum class TokenKind : std::uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct EncodeOptions {
  std::optional<bool> bos;  ///< put BOS first; unset: as the vocabulary asks (tokenizer.ggml.add_bos_token)
  bool special = false;     ///< control tokens written in the text ("</s>") become those tokens
  bool eos = false;         ///< put EOS last: for a text that is whole, not a prompt to be continued
  bool continues = false;   ///< the text goes on from another: no space is added before it, and no BOS unless asked for
};

/// A model's vocabulary and the rule that cuts text into it. Immutable; safe to use from many threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Reads tokenizer.ggml.*. Throws Error naming the file if the vocabulary is missing, inconsistent, or of a kind that
  /// is not supported.
  static std::unique_ptr<Tokenizer> from_gguf(const GgufFile& file);

  /// Any bytes are accepted, invalid UTF-8 too. Throws Error if a BOS or EOS is asked for that the vocabulary lacks.
  virtual std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const = 0;
  /// The bytes a token stands for in running text; empty for control tokens unless `special`. `token` must be < size().
  virtual std::string piece(Token token, bool special) const = 0;

  /// All pieces together; a leading space that encode() added is taken off again.
  virtual std::string decode(std::span<const Token> tokens, bool special) const = 0;

  virtual std::string_view kind() const = 0;  ///< tokenizer.ggml.model
  virtual std::int32_t size() const = 0;
  virtual std::string_view text(Token token) const = 0;  ///< as stored in the vocabulary
  virtual TokenKind token_kind(Token token) const = 0;
  virtual std::optional<Token> bos() const = 0;
  virtual std::optional<Token> eos() const = 0;
  /// Whether a model that gives this token has finished its answer (EOS and its kin).
  virtual bool ends_text(Token token) const = 0;
};

/// Turns a stream of tokens into text, holding back bytes until they form whole UTF-8 characters.
class Detokenizer {
 public:
  /// `tokenizer` must outlive the object. `at_start`: the stream begins a text, so a leading space that encode() adds
  /// is dropped; false when it continues a prompt.
  Detokenizer(const Tokenizer& tokenizer, bool at_start, bool special = false);

  /// The text that became complete; may be empty. Bytes that can't begin or continue a character come out as U+FFFD.
  std::string push(Token token);
  /// What is held back, incomplete characters as U+FFFD.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool at_start_;
  bool special_;
  std::string held_;
};

}  // namespace covey
