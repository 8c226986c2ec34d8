// Which tokens begin and end texts, and whether a text begins with one.
#include <algorithm>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

class SpecialTokenFinder {
 public:
  SpecialTokenFinder(const Checkpoint& checkpoint, const std::optional<JsonValue>& json,
                     ConvertedVocabulary& vocabulary)
      : checkpoint_(checkpoint), json_(json), vocabulary_(vocabulary) {
    tokenizer_ = read("tokenizer_config.json");
    map_ = read("special_tokens_map.json");
    model_ = read("config.json");
    generation_ = read("generation_config.json");
  }

  void run() {
    set("bos", vocabulary_.bos);
    set("eos", vocabulary_.eos);
    set("pad", vocabulary_.padding);
    set("unk", vocabulary_.unknown);
    for (const JsonValue* const file : {&generation_, &model_}) {
      for (const Token end : ids(*file, "eos_token_id")) {
        const auto& others = vocabulary_.other_ends;
        if (end != vocabulary_.eos && std::ranges::find(others, end) == others.end()) {
          vocabulary_.other_ends.push_back(end);
        }
      }
    }
    vocabulary_.add_bos = begins_with_bos();
    if (vocabulary_.add_bos && !vocabulary_.bos) {
      throw Error(checkpoint_.folder() + ": texts are to begin with a BOS token, but no file says which it is");
    }
  }

 private:
  JsonValue read(std::string_view name) const { return checkpoint_.json(name).value_or(JsonValue()); }

  /// The text of a token: a string, or an object with one.
  static const std::string* text_of(const JsonValue& file, const std::string& key) {
    const JsonValue* const value = file.find(key);
    if (value == nullptr) return nullptr;
    return value->object() != nullptr ? value->find_string("content") : value->string();
  }

  /// One id, or several.
  std::vector<Token> ids(const JsonValue& file, std::string_view key) const {
    const JsonValue* const value = file.find(key);
    if (value == nullptr) return {};
    const JsonValue::Array one = {*value};
    std::vector<Token> read;
    for (const JsonValue& item : value->array() != nullptr ? *value->array() : one) {
      const std::optional<std::int64_t> id = item.integer();
      if (!id || *id < 0 || *id >= static_cast<std::int64_t>(vocabulary_.texts.size())) {
        throw Error(checkpoint_.folder() + ": \"" + std::string(key) + "\" is no token of the vocabulary");
      }
      read.push_back(static_cast<Token>(*id));
    }
    return read;
  }

  void set(const std::string& name, std::optional<Token>& token) const {
    for (const JsonValue* const file : {&tokenizer_, &map_}) {
      if (const std::string* const text = text_of(*file, name + "_token")) {
        const std::optional<Token> found = vocabulary_.find(*text);
        if (!found) {
          throw Error(checkpoint_.folder() + ": the " + name + " token is " + in_quotes(*text) +
                      ", which is not in the vocabulary");
        }
        token = found;
        return;
      }
    }
    if (token || name == "unk") return;
    for (const JsonValue* const file : {&model_, &generation_}) {
      if (const std::vector<Token> found = ids(*file, name + "_token_id"); !found.empty()) {
        token = found.front();
        return;
      }
    }
  }

  bool begins_with_bos() const {
    if (const JsonValue* const add = tokenizer_.find("add_bos_token"); add != nullptr && add->boolean()) {
      return *add->boolean();
    }
    if (!json_) return vocabulary_.add_bos;
    const JsonValue* const processor = json_->find("post_processor");
    return processor != nullptr && puts_bos(*processor);
  }

  /// A template of one text begins with the token.
  bool puts_bos(const JsonValue& processor) const {
    const JsonValue* const steps = processor.find("processors");
    if (steps != nullptr && steps->array() != nullptr) {
      return std::ranges::any_of(*steps->array(), [this](const JsonValue& step) { return puts_bos(step); });
    }
    const JsonValue* const single = processor.find("single");
    if (single == nullptr || single->array() == nullptr || single->array()->empty()) return false;
    const JsonValue* const first = single->array()->front().find("SpecialToken");
    const std::string* const text = first == nullptr ? nullptr : first->find_string("id");
    return text != nullptr && vocabulary_.bos && vocabulary_.find(*text) == vocabulary_.bos;
  }

  const Checkpoint& checkpoint_;
  const std::optional<JsonValue>& json_;
  ConvertedVocabulary& vocabulary_;
  JsonValue tokenizer_, map_, model_, generation_;
};

}  // namespace

void find_special_tokens(const Checkpoint& checkpoint, const std::optional<JsonValue>& json,
                         ConvertedVocabulary& vocabulary) {
  SpecialTokenFinder(checkpoint, json, vocabulary).run();
}

GgufMetadata chat_template_metadata(const Checkpoint& checkpoint) {
  constexpr const char* kKey = "tokenizer.chat_template";
  // The newest place first.
  if (const std::optional<std::string> text = checkpoint.text("chat_template.jinja")) return {{kKey, GgufValue(*text)}};
  for (const std::string_view name : {"chat_template.json", "tokenizer_config.json"}) {
    const std::optional<JsonValue> file = checkpoint.json(name);
    const JsonValue* const found = file ? file->find("chat_template") : nullptr;
    if (found == nullptr) continue;
    if (found->string() != nullptr) return {{kKey, GgufValue(*found->string())}};
    if (found->array() == nullptr) throw Error(checkpoint.path(name) + ": \"chat_template\" is no text");
    GgufMetadata metadata;
    for (const JsonValue& entry : *found->array()) {  // several, each with a name
      const std::string* const called = entry.find_string("name");
      const std::string* const text = entry.find_string("template");
      if (called == nullptr || text == nullptr) throw Error(checkpoint.path(name) + ": a chat template has no name");
      std::string key = kKey;
      if (*called != "default") key.append(".").append(*called);
      metadata.emplace_back(std::move(key), GgufValue(*text));
    }
    return metadata;
  }
  return {};
}

}  // namespace covey
