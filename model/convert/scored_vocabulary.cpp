// A SentencePiece vocabulary that a tokenizer.json spells as merges. There, the pair of lowest rank is merged; in a
// GGUF file the pair whose union has the highest score. The two agree if all pairs that make a piece are listed, one
// after the other: scores are then the ranks, negated.
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "third_party_free_formats/quoted.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

constexpr std::string_view kSpaceLetter = "\xE2\x96\x81";  // U+2581

struct PieceMerges {
  std::size_t first = 0, last = 0, count = 0;
};

class ScoredReader {
 public:
  ScoredReader(const JsonValue& json, const std::string& path, ConvertedVocabulary& vocabulary)
      : json_(json), path_(path), vocabulary_(vocabulary) {}

  void run() {
    if (const JsonValue* const normalizer = json_.find("normalizer")) read_normalizer(*normalizer);
    if (const JsonValue* const step = json_.find("pre_tokenizer")) read_pre_tokenizer(*step);
    if (!writes_spaces_) fail("does not write spaces as U+2581, as SentencePiece does");
    vocabulary_.add_space_prefix = prefix_;
    set_kinds();
    rank_pieces();
    check_pieces();
    for (std::size_t id = 0; id < vocabulary_.texts.size(); ++id) {
      const auto found = merges_.find(vocabulary_.texts[id]);
      const std::size_t rank = found == merges_.end() ? merge_count_ : found->second.first;
      vocabulary_.scores[id] = -static_cast<float>(rank);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(path_ + ": a BPE tokenizer that is not byte-level and " + what +
                "; with the model's tokenizer.model beside it, that is read instead");
  }
  static bool is_text(const JsonValue* value, std::string_view text) {
    return value != nullptr && value->string() != nullptr && *value->string() == text;
  }
  static std::string type_of(const JsonValue& step) {
    const std::string* const type = step.find_string("type");
    return type == nullptr ? "" : *type;
  }
  static bool splits_at_space(const JsonValue& step) {
    const JsonValue* const pattern = step.find("pattern");
    return pattern != nullptr && is_text(pattern->find("String"), " ");
  }

  void read_normalizer(const JsonValue& step) {
    const std::string type = type_of(step);
    const JsonValue* const steps = step.find("normalizers");
    if (type == "Sequence" && steps != nullptr && steps->array() != nullptr) {
      for (const JsonValue& inner : *steps->array()) read_normalizer(inner);
    } else if (type == "Prepend" && is_text(step.find("prepend"), kSpaceLetter)) {
      prefix_ = true;
    } else if (type == "Replace" && splits_at_space(step) && is_text(step.find("content"), kSpaceLetter)) {
      writes_spaces_ = true;
    } else {
      fail("normalises text by " + in_quotes(type) + " in a way that is not supported");
    }
  }

  void read_pre_tokenizer(const JsonValue& step) {
    const std::string type = type_of(step);
    if (type == "Split" && splits_at_space(step) && writes_spaces_) return;  // no space is left to split at
    if (type != "Metaspace" || !is_text(step.find("replacement"), kSpaceLetter)) {
      fail("cuts text by " + in_quotes(type) + " in a way that is not supported");
    }
    const JsonValue* const split = step.find("split");
    if (split == nullptr || split->boolean().value_or(true)) fail("cuts text at spaces before it merges");
    writes_spaces_ = true;
    prefix_ = prefix_ || !is_text(step.find("prepend_scheme"), "never");
  }

  void set_kinds() {
    const JsonValue& model = *json_.find("model");
    const JsonValue* const fallback = model.find("byte_fallback");
    if (fallback == nullptr || !fallback->boolean().value_or(false)) fail("has no byte_fallback");
    for (unsigned byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      const std::optional<Token> token = vocabulary_.find(text);
      if (!token) fail("has no token for the byte " + std::string(text));
      vocabulary_.kinds[static_cast<std::size_t>(*token)] = TokenKind::byte;
    }
    if (const std::string* const unknown = model.find_string("unk_token")) {
      vocabulary_.unknown = vocabulary_.find(*unknown);
      if (vocabulary_.unknown) {
        vocabulary_.kinds[static_cast<std::size_t>(*vocabulary_.unknown)] = TokenKind::unknown;
      }
    }
    // Added ones are found in the text before anything is merged.
    const JsonValue* const added = json_.find("added_tokens");
    if (added != nullptr && added->array() != nullptr) {
      for (const JsonValue& token : *added->array()) {
        if (const std::string* const text = token.find_string("content")) added_.try_emplace(*text, true);
      }
    }
    for (std::size_t id = 0; id < vocabulary_.texts.size(); ++id) {
      if (vocabulary_.kinds[id] == TokenKind::normal && !added_.contains(vocabulary_.texts[id])) {
        ordinary_.try_emplace(vocabulary_.texts[id], id);
      }
    }
  }

  void rank_pieces() {
    const auto pairs = read_merges(json_, path_);
    merge_count_ = pairs.size();
    for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
      PieceMerges& piece = merges_[pairs[rank].first + pairs[rank].second];
      if (piece.count == 0) piece.first = rank;
      piece.last = rank;
      ++piece.count;
    }
  }

  void check_pieces() const {
    for (const auto& [text, id] : ordinary_) {
      std::size_t pairs = 0;
      for (std::size_t cut = 0;;) {
        cut += utf8_step(text.substr(cut)).length;
        if (cut >= text.size()) break;
        pairs += ordinary_.contains(text.substr(0, cut)) && ordinary_.contains(text.substr(cut)) ? 1U : 0U;
      }
      const auto found = merges_.find(std::string(text));
      const std::size_t listed = found == merges_.end() ? 0 : found->second.count;
      if (listed < pairs || (listed > 0 && found->second.last - found->second.first + 1 != listed)) {
        fail("has merges of its own, not those that the scores of a SentencePiece model give: see the token " +
             in_quotes(text));
      }
    }
  }

  const JsonValue& json_;
  const std::string& path_;
  ConvertedVocabulary& vocabulary_;
  bool writes_spaces_ = false, prefix_ = false;
  std::size_t merge_count_ = 0;
  std::unordered_map<std::string, bool> added_;
  std::unordered_map<std::string_view, std::size_t> ordinary_;  // by text: may be a merge's result, or part
  std::unordered_map<std::string, PieceMerges> merges_;         // by their union
};

}  // namespace

void read_scored(const JsonValue& json, const std::string& path, ConvertedVocabulary& vocabulary) {
  ScoredReader(json, path, vocabulary).run();
}

}  // namespace covey
