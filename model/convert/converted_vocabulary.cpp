#include "model/convert/converted_vocabulary.hpp"

#include <algorithm>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

constexpr std::string_view kSentencePieceFile = "tokenizer.model";
constexpr std::string_view kTokenizerFile = "tokenizer.json";

/// Llama 3 has a file of the same name that is text.
bool has_sentencepiece(const Checkpoint& checkpoint) {
  const std::optional<std::string> bytes = checkpoint.text(kSentencePieceFile);
  return bytes && bytes->starts_with('\n');  // field 1, the pieces
}

}  // namespace

void ConvertedVocabulary::grow(std::size_t count) {
  while (texts.size() < count) {
    texts.push_back("[PAD" + std::to_string(texts.size()) + "]");
    kinds.push_back(TokenKind::unused);
    if (model == "llama") scores.push_back(-1e6F);
  }
}

std::optional<Token> ConvertedVocabulary::find(std::string_view text) const {
  const auto found = std::ranges::find(texts, text);
  return found == texts.end() ? std::nullopt : std::optional(static_cast<Token>(found - texts.begin()));
}

ConvertedVocabulary convert_vocabulary(const Checkpoint& checkpoint, std::size_t rows, std::string_view pre) {
  const bool pieces = has_sentencepiece(checkpoint);
  const std::optional<JsonValue> json = checkpoint.json(kTokenizerFile);
  if (!pieces && !json) {
    throw Error(checkpoint.folder() + ": holds neither " + std::string(kSentencePieceFile) +
                " (of SentencePiece) nor " + std::string(kTokenizerFile));
  }
  ConvertedVocabulary vocabulary = pieces ? read_sentencepiece_vocabulary(checkpoint)
                                          : read_json_vocabulary(*json, checkpoint.path(kTokenizerFile), rows, pre);
  if (vocabulary.model != "gpt2" && !pre.empty()) {
    throw Error(checkpoint.folder() +
                ": a pre-tokenizer was named, but the vocabulary has none: it is SentencePiece's");
  }
  if (vocabulary.texts.size() > rows) {
    throw Error(checkpoint.folder() + ": the vocabulary has " + std::to_string(vocabulary.texts.size()) +
                " tokens, the embedding " + std::to_string(rows) + " rows");
  }
  add_tokens(checkpoint, json, rows, vocabulary);
  vocabulary.grow(rows);  // embeddings are often padded
  find_special_tokens(checkpoint, json, vocabulary);
  return vocabulary;
}

GgufMetadata vocabulary_metadata(const ConvertedVocabulary& vocabulary) {
  GgufMetadata metadata;
  const auto set = [&metadata](const char* key, auto value) {
    metadata.emplace_back(std::string("tokenizer.ggml.") + key, GgufValue(std::move(value)));
  };
  const auto set_id = [&set](const char* key, std::optional<Token> id) {
    if (id) set(key, static_cast<std::uint32_t>(*id));
  };
  std::vector<std::int32_t> kinds;
  kinds.reserve(vocabulary.kinds.size());
  for (const TokenKind kind : vocabulary.kinds) kinds.push_back(static_cast<std::int32_t>(kind));
  set("model", vocabulary.model);
  if (!vocabulary.pre.empty()) set("pre", vocabulary.pre);
  set("tokens", GgufArray{vocabulary.texts});
  set("token_type", GgufArray{std::move(kinds)});
  if (vocabulary.model == "llama") {
    set("scores", GgufArray{vocabulary.scores});
  } else {
    set("merges", GgufArray{vocabulary.merges});
  }
  if (vocabulary.add_space_prefix) set("add_space_prefix", *vocabulary.add_space_prefix);
  if (vocabulary.remove_extra_whitespaces) set("remove_extra_whitespaces", true);
  set_id("bos_token_id", vocabulary.bos);
  set_id("eos_token_id", vocabulary.eos);
  set_id("unknown_token_id", vocabulary.unknown);
  set_id("padding_token_id", vocabulary.padding);
  // The format has two more keys for ends.
  if (!vocabulary.other_ends.empty()) set_id("eot_token_id", vocabulary.other_ends[0]);
  if (vocabulary.other_ends.size() > 1) set_id("eom_token_id", vocabulary.other_ends[1]);
  set("add_bos_token", vocabulary.add_bos);
  return metadata;
}

}  // namespace covey
