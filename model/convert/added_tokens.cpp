// Tokens that are found in a text before it is cut: names of roles, ends of turns, runs of spaces.
#include <algorithm>
#include <charconv>
#include <map>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

struct AddedToken {
  std::string text;
  bool special = false;
  bool normalized = false;  ///< found after spaces are written U+2581, not before
};

class AddedTokens {
 public:
  AddedTokens(std::size_t most, std::string folder) : most_(most), folder_(std::move(folder)) {}

  /// What a file said before counts. Throws Error for ids that the embedding doesn't have.
  void add(std::optional<std::int64_t> id, const JsonValue& token, const std::string* text) {
    if (text == nullptr || text->empty()) throw Error(folder_ + ": an added token has no text");
    if (!id || *id < 0 || static_cast<std::uint64_t>(*id) >= most_) {
      throw Error(folder_ + ": the added token " + in_quotes(*text) + " has an id that is not one of the " +
                  "embedding's " + std::to_string(most_) + " rows");
    }
    tokens_.try_emplace(static_cast<std::size_t>(*id),
                        AddedToken{*text, is(token, "special"), is(token, "normalized")});
  }

  const std::map<std::size_t, AddedToken>& tokens() const { return tokens_; }

 private:
  static bool is(const JsonValue& token, std::string_view key) {
    const JsonValue* const value = token.find(key);
    return value != nullptr && value->boolean().value_or(false);
  }

  std::size_t most_;
  std::string folder_;
  std::map<std::size_t, AddedToken> tokens_;  // by id
};

AddedTokens collect(const Checkpoint& checkpoint, const std::optional<JsonValue>& json, std::size_t most) {
  AddedTokens added(most, checkpoint.folder());
  const JsonValue* const list = json ? json->find("added_tokens") : nullptr;
  if (list != nullptr && list->array() != nullptr) {
    for (const JsonValue& token : *list->array()) {
      const JsonValue* const id = token.find("id");
      added.add(id == nullptr ? std::nullopt : id->integer(), token, token.find_string("content"));
    }
  }
  const std::optional<JsonValue> config = checkpoint.json("tokenizer_config.json");
  const JsonValue* const decoder = config ? config->find("added_tokens_decoder") : nullptr;
  if (decoder != nullptr && decoder->object() != nullptr) {
    for (const JsonMember& member : *decoder->object()) {
      std::int64_t id = -1;
      std::from_chars(member.name.data(), member.name.data() + member.name.size(), id);
      added.add(id, member.value, member.value.find_string("content"));
    }
  }
  const std::optional<JsonValue> plain = checkpoint.json("added_tokens.json");
  if (plain && plain->object() != nullptr) {
    for (const JsonMember& member : *plain->object()) added.add(member.value.integer(), member.value, &member.name);
  }
  return added;
}

std::string written_with_spaces(std::string text) {
  constexpr std::string_view kSign = "\xE2\x96\x81";  // U+2581
  for (std::size_t at = text.find(kSign); at != std::string::npos; at = text.find(kSign, at + 1)) {
    text.replace(at, kSign.size(), " ");
  }
  return text;
}

}  // namespace

void add_tokens(const Checkpoint& checkpoint, const std::optional<JsonValue>& json, std::size_t most,
                ConvertedVocabulary& vocabulary) {
  const AddedTokens added = collect(checkpoint, json, most);
  for (const auto& [id, token] : added.tokens()) {
    vocabulary.grow(id + 1);
    std::string& text = vocabulary.texts[id];
    TokenKind& kind = vocabulary.kinds[id];
    const bool scored = vocabulary.model == "llama";
    const std::string in_text = scored && token.normalized ? written_with_spaces(token.text) : token.text;
    if (kind != TokenKind::unused && text != token.text && text != written_with_spaces(token.text)) {
      throw Error(checkpoint.folder() + ": token " + std::to_string(id) + " is " + in_quotes(text) +
                  " in the vocabulary and " + in_quotes(token.text) + " among the added tokens");
    }
    if (kind == TokenKind::unknown || kind == TokenKind::byte) continue;
    if (!token.special && kind == TokenKind::user_defined) continue;  // SentencePiece's own word
    kind = token.special ? TokenKind::control : TokenKind::user_defined;
    text = token.special ? token.text : in_text;
  }
}

}  // namespace covey
