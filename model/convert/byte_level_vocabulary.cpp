#include <unordered_set>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "model/pre_tokenizer_rules.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

/// Composing characters changes next to no text, and GGUF has no word for it.
bool composes_only(const JsonValue& normalizer) {
  const std::string* const type = normalizer.find_string("type");
  if (type != nullptr && *type == "NFC") return true;
  const JsonValue* const steps = normalizer.find("normalizers");
  if (type == nullptr || *type != "Sequence" || steps == nullptr || steps->array() == nullptr) return false;
  for (const JsonValue& step : *steps->array()) {
    if (!composes_only(step)) return false;
  }
  return true;
}

}  // namespace

void read_byte_level(const JsonValue& json, const std::string& path, std::string_view pre,
                     ConvertedVocabulary& vocabulary) {
  const JsonValue* const normalizer = json.find("normalizer");
  if (normalizer != nullptr && !composes_only(*normalizer)) {
    throw Error(path + ": normalises text in a way that is not supported (NFC is)");
  }
  if (pre.empty()) {
    vocabulary.pre = match_pre_tokenizer(json, path);
  } else if (find_pre_tokenizer_rule(pre) == nullptr) {
    throw Error("the pre-tokenizer " + in_quotes(pre) + " is not known; known: " + known_pre_tokenizers());
  } else {
    vocabulary.pre = pre;
  }

  const std::unordered_set<std::string_view> known(vocabulary.texts.begin(), vocabulary.texts.end());
  std::string both;
  for (const auto& [left, right] : read_merges(json, path)) {
    both = left + right;
    for (const std::string& text : {left, right, both}) {
      if (!known.contains(text)) {
        throw Error(path + ": merges make or take " + in_quotes(text) + ", which is not in the vocabulary");
      }
    }
    vocabulary.merges.push_back(left + " " + right);
  }
}

}  // namespace covey
