// A vocabulary on its way from a checkpoint's files to a GGUF file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/convert/checkpoint.hpp"
#include "model/convert/model_numbers.hpp"
#include "model/tokenizer.hpp"
#include "third_party_free_formats/json_value.hpp"

namespace covey {

struct ConvertedVocabulary {
  std::string model;  ///< tokenizer.ggml.model: "llama" or "gpt2"
  std::string pre;    ///< tokenizer.ggml.pre of "gpt2"
  std::vector<std::string> texts;
  std::vector<TokenKind> kinds;
  std::vector<float> scores;        ///< of "llama"
  std::vector<std::string> merges;  ///< of "gpt2"
  std::optional<bool> add_space_prefix;
  bool remove_extra_whitespaces = false;
  std::optional<Token> bos, eos, unknown, padding;
  std::vector<Token> other_ends;  ///< generation ends at these too
  bool add_bos = false;

  /// Room for ids below `count`: what is new are unused tokens, each with a text of its own.
  void grow(std::size_t count);
  std::optional<Token> find(std::string_view text) const;
};

/// The tokenizer.model of SentencePiece. Throws Error naming the file for what Covey's tokenizer doesn't do.
ConvertedVocabulary read_sentencepiece_vocabulary(const Checkpoint& checkpoint);

/// A tokenizer.json: byte-level BPE, or BPE that was made from a SentencePiece model. `most` tokens at most; `pre`
/// names the pre-tokenizer, empty to tell it from the file. Throws Error as above.
ConvertedVocabulary read_json_vocabulary(const JsonValue& json, const std::string& path, std::size_t most,
                                         std::string_view pre);

/// Steps of the latter, by the model's kind.
void read_byte_level(const JsonValue& json, const std::string& path, std::string_view pre,
                     ConvertedVocabulary& vocabulary);
void read_scored(const JsonValue& json, const std::string& path, ConvertedVocabulary& vocabulary);

/// The pairs of "merges", which files write in two ways. Throws Error naming `path`.
std::vector<std::pair<std::string, std::string>> read_merges(const JsonValue& json, const std::string& path);

/// The name that tokenizer.ggml.pre gives to a tokenizer.json's way of cutting text. Throws Error naming `path` for one
/// that is not known.
std::string match_pre_tokenizer(const JsonValue& json, const std::string& path);

/// What the files beside say of single tokens: which are added, which begin and end texts.
void add_tokens(const Checkpoint& checkpoint, const std::optional<JsonValue>& json, std::size_t most,
                ConvertedVocabulary& vocabulary);
void find_special_tokens(const Checkpoint& checkpoint, const std::optional<JsonValue>& json,
                         ConvertedVocabulary& vocabulary);

/// Keys and texts of tokenizer.chat_template, empty where there is none.
GgufMetadata chat_template_metadata(const Checkpoint& checkpoint);

/// All of it, for an embedding of `rows` tokens.
ConvertedVocabulary convert_vocabulary(const Checkpoint& checkpoint, std::size_t rows, std::string_view pre);
GgufMetadata vocabulary_metadata(const ConvertedVocabulary& vocabulary);

}  // namespace covey
