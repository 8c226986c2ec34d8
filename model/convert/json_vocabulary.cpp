#include <algorithm>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

const JsonValue& bpe_model(const JsonValue& json, const std::string& path) {
  const JsonValue* const model = json.find("model");
  const std::string* const type = model == nullptr ? nullptr : model->find_string("type");
  // Old files leave the type out.
  const bool bpe = model != nullptr && (type == nullptr ? model->find("merges") != nullptr : *type == "BPE");
  if (!bpe) {
    throw Error(path + ": the tokenizer is " + (type == nullptr ? "of no known kind" : in_quotes(*type)) +
                "; only BPE is supported");
  }
  for (const char* const key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const JsonValue* const value = model->find(key);
    if (value != nullptr && (value->string() == nullptr || !value->string()->empty())) {
      throw Error(path + ": BPE with \"" + key + "\" is not supported");
    }
  }
  return *model;
}

bool mentions_byte_level(const JsonValue* step) {
  if (step == nullptr) return false;
  const std::string* const type = step->find_string("type");
  if (type != nullptr && *type == "ByteLevel") return true;
  for (const char* const key : {"pretokenizers", "normalizers"}) {
    const JsonValue* const steps = step->find(key);
    if (steps != nullptr && steps->array() != nullptr &&
        std::ranges::any_of(*steps->array(), [](const JsonValue& inner) { return mentions_byte_level(&inner); })) {
      return true;
    }
  }
  return false;
}

void read_texts(const JsonValue& model, const std::string& path, std::size_t most, ConvertedVocabulary& vocabulary) {
  const JsonValue* const tokens = model.find("vocab");
  if (tokens == nullptr || tokens->object() == nullptr) throw Error(path + ": has no vocab");
  const JsonValue::Object& members = *tokens->object();
  std::vector<bool> taken;
  for (const JsonMember& member : members) {
    const std::optional<std::int64_t> id = member.value.integer();
    if (!id || *id < 0 || static_cast<std::uint64_t>(*id) >= most) {
      throw Error(path + ": token " + in_quotes(member.name) + " has an id that is not one of the embedding's " +
                  std::to_string(most) + " rows");
    }
    const auto at = static_cast<std::size_t>(*id);
    vocabulary.grow(at + 1);
    taken.resize(std::max(taken.size(), at + 1));
    if (taken[at]) throw Error(path + ": two tokens have the id " + std::to_string(at));
    taken[at] = true;
    vocabulary.texts[at] = member.name;
    vocabulary.kinds[at] = TokenKind::normal;
  }
  if (members.empty()) throw Error(path + ": its vocab is empty");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_merges(const JsonValue& json, const std::string& path) {
  const JsonValue* const merges = json.find("model")->find("merges");
  if (merges == nullptr || merges->array() == nullptr) throw Error(path + ": has no merges");
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(merges->array()->size());
  for (const JsonValue& merge : *merges->array()) {
    std::string left, right;
    if (const std::string* const both = merge.string()) {  // "left right"
      const std::size_t space = both->find(' ');
      if (space != std::string::npos) left = both->substr(0, space), right = both->substr(space + 1);
    } else if (const JsonValue::Array* const two = merge.array(); two != nullptr && two->size() == 2) {
      if ((*two)[0].string() != nullptr && (*two)[1].string() != nullptr) {
        left = *(*two)[0].string(), right = *(*two)[1].string();
      }
    }
    if (left.empty() || right.empty()) {
      throw Error(path + ": merge " + std::to_string(pairs.size()) + " is no pair of texts");
    }
    pairs.emplace_back(std::move(left), std::move(right));
  }
  return pairs;
}

ConvertedVocabulary read_json_vocabulary(const JsonValue& json, const std::string& path, std::size_t most,
                                         std::string_view pre) {
  const JsonValue& model = bpe_model(json, path);
  ConvertedVocabulary vocabulary;
  const bool byte_level =
      mentions_byte_level(json.find("pre_tokenizer")) || mentions_byte_level(json.find("normalizer"));
  vocabulary.model = byte_level ? "gpt2" : "llama";
  read_texts(model, path, most, vocabulary);
  if (byte_level) {
    read_byte_level(json, path, pre, vocabulary);
  } else {
    read_scored(json, path, vocabulary);
  }
  return vocabulary;
}

}  // namespace covey
