#include "model/bpe_tokenizer.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "covey/error.hpp"
#include "model/bpe_merger.hpp"
#include "model/byte_letters.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

// Words up to this many bytes are remembered within a text: most repeat.
constexpr std::size_t kWord = 64;

const PreTokenizerRule& rule_of(const GgufFile& file) {
  const std::string* const name = file.string("tokenizer.ggml.pre");
  const PreTokenizerRule* const rule = find_pre_tokenizer_rule(name == nullptr ? "default" : *name);
  if (rule == nullptr) {
    throw Error(file.path() + ": its pre-tokenizer is " + in_quotes(*name) +
                " (tokenizer.ggml.pre), which is not known; known: " + known_pre_tokenizers());
  }
  if (!Regex::available()) {
    throw Error(file.path() + ": its tokenizer is byte-level BPE, which needs regular expressions, and this build of " +
                "Covey has none: install PCRE2 (libpcre2-dev) and configure with -DCOVEY_PCRE2=ON");
  }
  return *rule;
}

/// Where among the tokens those of a word are.
struct Stretch {
  std::size_t begin, count;
};

}  // namespace

BpeTokenizer::BpeTokenizer(const GgufFile& file) : BpeTokenizer(file, rule_of(file)) {}

BpeTokenizer::BpeTokenizer(const GgufFile& file, const PreTokenizerRule& rule)
    : VocabularyTokenizer(file, VocabularyStyle::byte_level, rule.add_bos),
      pre_tokenizer_(rule),
      merges_(file, vocabulary()),
      whole_first_(rule.whole_first) {
  for (Token token = 0; token < size(); ++token) longest_ = std::max(longest_, text(token).size());
}

std::optional<Token> BpeTokenizer::whole(std::string_view piece) const {
  if (!whole_first_ || piece.size() > longest_) return std::nullopt;
  return vocabulary().find_piece(to_letters(piece));
}

void BpeTokenizer::cut(std::string_view text, bool /*continues*/, std::vector<Token>& tokens) const {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("a text of " + std::to_string(text.size()) + " bytes is too long to tokenize at once");
  }
  BpeMerger merger(vocabulary(), merges_);
  std::unordered_map<std::string_view, Stretch> words;
  for (const std::string_view piece : pre_tokenizer_.split(text)) {
    Stretch* word = nullptr;
    if (piece.size() <= kWord) {
      const auto [at, is_new] = words.try_emplace(piece);
      word = &at->second;
      if (!is_new) {
        for (std::size_t i = 0; i < word->count; ++i) tokens.push_back(tokens[word->begin + i]);
        continue;
      }
    }
    const std::size_t begin = tokens.size();
    if (const std::optional<Token> token = whole(piece)) {
      tokens.push_back(*token);
    } else {
      merger.cut(piece, tokens);
    }
    if (word != nullptr) *word = {begin, tokens.size() - begin};
  }
}

std::string BpeTokenizer::plain(std::string_view text) const { return from_letters(text); }

std::string BpeTokenizer::decode(std::span<const Token> tokens, bool special) const {
  std::string text;
  for (const Token token : tokens) text += piece(token, special);
  return text;
}

}  // namespace covey
