#include <algorithm>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "third_party_free_formats/sentencepiece_model.hpp"

namespace covey {
namespace {

constexpr std::string_view kSpaceSign = "\xE2\x96\x81";  // U+2581, how pieces write a space

/// User-defined pieces are found in text before its spaces are written so.
std::string with_spaces(std::string text) {
  for (std::size_t at = text.find(kSpaceSign); at != std::string::npos; at = text.find(kSpaceSign, at + 1)) {
    text.replace(at, kSpaceSign.size(), " ");
  }
  return text;
}

}  // namespace

ConvertedVocabulary read_sentencepiece_vocabulary(const Checkpoint& checkpoint) {
  const std::string path = checkpoint.path("tokenizer.model");
  const std::string bytes = *checkpoint.text("tokenizer.model");
  const SentencePieceModel model = parse_sentencepiece_model(std::as_bytes(std::span(bytes)), path);
  if (model.kind != SentencePieceModel::Kind::bpe) {
    throw Error(path + ": a SentencePiece model that is not of type BPE, which is not supported");
  }
  if (model.has_character_map) {
    throw Error(path + ": normalises text by a table of characters, which is not supported");
  }
  ConvertedVocabulary vocabulary;
  vocabulary.model = "llama";
  for (const SentencePiece& piece : model.pieces) {
    const auto kind = static_cast<TokenKind>(piece.type);
    vocabulary.texts.push_back(kind == TokenKind::user_defined ? with_spaces(piece.text) : piece.text);
    vocabulary.kinds.push_back(kind);
    vocabulary.scores.push_back(piece.score);
  }
  const auto id = [&](std::int64_t number) -> std::optional<Token> {
    if (number < 0 || number >= static_cast<std::int64_t>(model.pieces.size())) return std::nullopt;
    return static_cast<Token>(number);
  };
  vocabulary.unknown = id(model.unk_id);
  vocabulary.bos = id(model.bos_id);
  vocabulary.eos = id(model.eos_id);
  vocabulary.padding = id(model.pad_id);
  vocabulary.add_bos = vocabulary.bos.has_value();
  vocabulary.add_space_prefix = model.add_dummy_prefix;
  vocabulary.remove_extra_whitespaces = model.remove_extra_whitespaces;
  return vocabulary;
}

}  // namespace covey
