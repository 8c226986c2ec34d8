// SentencePiece's "tokenizer.model": the pieces of a vocabulary, and how text is prepared for them. A protocol buffer:
// a sequence of fields, each a varint (field number << 3 | wire type) and a value.
// Source: https://github.com/google/sentencepiece, sentencepiece_model.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace covey {

struct SentencePiece {
  std::string text;
  float score = 0;
  std::int32_t type = 1;  ///< 1..6, the numbers of tokenizer.ggml.token_type
};

struct SentencePieceModel {
  enum class Kind : std::uint8_t { unigram = 1, bpe = 2, word = 3, character = 4 };

  std::vector<SentencePiece> pieces;
  Kind kind = Kind::unigram;
  std::int64_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;  ///< -1: there is none
  bool has_character_map = false;                                ///< text is normalised by a table of the file's
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
};

/// Throws Error starting with `name` for bytes that are no such model. Fields that don't matter are passed over.
SentencePieceModel parse_sentencepiece_model(std::span<const std::byte> bytes, const std::string& name);

}  // namespace covey
