#include "model/vocabulary.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "covey/error.hpp"
#include "model/byte_letters.hpp"

namespace covey {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kScores = "tokenizer.ggml.scores";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
constexpr std::string_view kBos = "tokenizer.ggml.bos_token_id";
constexpr std::string_view kEos = "tokenizer.ggml.eos_token_id";
constexpr std::string_view kUnknown = "tokenizer.ggml.unknown_token_id";
constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";

// Files name one EOS, yet a chat model ends its turn with another token. These are the ones in use.
constexpr std::array<std::string_view, 16> kTurnEnds = {"<|eot_id|>",      "<|eom_id|>",
                                                        "<|im_end|>",      "<|end|>",
                                                        "<end_of_turn>",   "<EOT>",
                                                        "_<EOT>",          "<|EOT|>",
                                                        "<|endoftext|>",   "<|end_of_text|>",
                                                        "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>",
                                                        "[|endofturn|]",   "<end_of_utterance>",
                                                        "<|return|>",      "<｜end▁of▁sentence｜>"};

[[noreturn]] void fail(const GgufFile& file, std::string_view key, const std::string& what) {
  throw Error(file.path() + ": " + std::string(key) + " " + what);
}

void check_length(const GgufFile& file, std::string_view key, std::size_t length, std::size_t tokens) {
  if (length != tokens) {
    fail(file, key, "has " + std::to_string(length) + " entries for " + std::to_string(tokens) + " tokens");
  }
}

std::optional<Token> read_id(const GgufFile& file, std::string_view key, std::int32_t size) {
  const std::optional<std::int64_t> id = file.integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || *id >= size) {
    fail(file, key, "is " + std::to_string(*id) + ", outside the vocabulary of " + std::to_string(size) + " tokens");
  }
  return static_cast<Token>(*id);
}

/// "<0x0A>" is byte 10.
std::optional<std::uint8_t> parse_byte(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  std::uint8_t byte = 0;
  const char* const end = text.data() + 5;
  const auto [stop, error] = std::from_chars(text.data() + 3, end, byte, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return byte;
}

}  // namespace

Vocabulary::Vocabulary(const GgufFile& file, VocabularyStyle style) : style_(style) {
  read_tokens(file);
  if (style == VocabularyStyle::scored) read_scores(file);
  read_kinds(file);
  read_special_ids(file);
  index(file);
}

void Vocabulary::read_tokens(const GgufFile& file) {
  const std::vector<std::string>* const texts = file.strings(kTokens);
  if (texts == nullptr) fail(file, kTokens, "is missing: the file holds no vocabulary");
  if (texts->empty()) fail(file, kTokens, "is empty");
  if (texts->size() > static_cast<std::size_t>(std::numeric_limits<Token>::max())) {
    fail(file, kTokens, "has more entries than token ids can number");
  }
  texts_ = *texts;
}

void Vocabulary::read_scores(const GgufFile& file) {
  const std::vector<float>* const scores = file.floats(kScores);
  if (scores == nullptr) fail(file, kScores, "is missing: merges can't be ranked without it");
  check_length(file, kScores, scores->size(), texts_.size());
  const auto nan = std::find_if(scores->begin(), scores->end(), [](float score) { return std::isnan(score); });
  if (nan != scores->end()) fail(file, kScores, "is not a number at " + std::to_string(nan - scores->begin()));
  scores_ = *scores;
}

void Vocabulary::read_kinds(const GgufFile& file) {
  const std::optional<std::vector<std::int64_t>> types = file.integers(kTypes);
  if (!types) fail(file, kTypes, "is missing: normal tokens can't be told from special ones without it");
  check_length(file, kTypes, types->size(), texts_.size());
  kinds_.reserve(types->size());
  for (std::size_t i = 0; i < types->size(); ++i) {
    const std::int64_t type = (*types)[i];
    if (type < 1 || type > 6) {
      fail(file, kTypes, "is " + std::to_string(type) + " at " + std::to_string(i) + "; types are 1 to 6");
    }
    kinds_.push_back(static_cast<TokenKind>(type));
  }
}

void Vocabulary::read_special_ids(const GgufFile& file) {
  bos_ = read_id(file, kBos, size());
  eos_ = read_id(file, kEos, size());
  unknown_ = read_id(file, kUnknown, size());
  if (!unknown_) {
    const auto first = std::find(kinds_.begin(), kinds_.end(), TokenKind::unknown);
    if (first != kinds_.end()) unknown_ = static_cast<Token>(first - kinds_.begin());
  }
  add_bos_ = file.boolean(kAddBos);
  add_space_prefix_ = file.boolean("tokenizer.ggml.add_space_prefix");
  remove_extra_whitespaces_ = file.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
  if (add_bos_.value_or(false) && !bos_) {
    fail(file, kAddBos, "is true, but " + std::string(kBos) + " is missing");
  }

  if (eos_) ends_.push_back(*eos_);
  for (const std::string_view key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (const std::optional<Token> id = read_id(file, key, size())) ends_.push_back(*id);
  }
  for (Token token = 0; token < size(); ++token) {
    const bool special = kind(token) == TokenKind::control || kind(token) == TokenKind::user_defined;
    if (special && std::find(kTurnEnds.begin(), kTurnEnds.end(), text(token)) != kTurnEnds.end()) {
      ends_.push_back(token);
    }
  }
  std::sort(ends_.begin(), ends_.end());
}

void Vocabulary::index(const GgufFile& file) {
  const bool letters = style_ == VocabularyStyle::byte_level;
  pieces_.reserve(texts_.size());
  for (Token token = 0; token < size(); ++token) {
    switch (kind(token)) {
      case TokenKind::user_defined:
        if (!letters) pieces_.try_emplace(text(token), token);
        break;
      case TokenKind::normal:
      case TokenKind::unused:
        pieces_.try_emplace(text(token), token);
        if (const auto byte = byte_of_letter(text(token)); letters && byte) index_byte(token, *byte);
        break;
      case TokenKind::byte: {
        const std::optional<std::uint8_t> byte = parse_byte(text(token));
        if (!byte) {
          fail(file, kTokens,
               "holds a byte token, " + std::to_string(token) + ", that is not written <0x00> to <0xFF>");
        }
        index_byte(token, *byte);
        break;
      }
      case TokenKind::unknown:
      case TokenKind::control:
        break;
    }
  }
  const bool every_byte =
      std::all_of(byte_tokens_.begin(), byte_tokens_.end(), [](const auto& b) { return b.has_value(); });
  if (style_ == VocabularyStyle::scored && !every_byte && !unknown_) {
    fail(file, kUnknown, "is missing, and not every byte has a token: some text could not be encoded");
  }
}

void Vocabulary::index_byte(Token token, std::uint8_t byte) {
  if (!byte_tokens_[byte]) byte_tokens_[byte] = token;
}

std::optional<Token> Vocabulary::find_piece(std::string_view text) const {
  const auto found = pieces_.find(text);
  if (found == pieces_.end()) return std::nullopt;
  return found->second;
}

std::optional<Token> Vocabulary::byte_token(std::uint8_t byte) const { return byte_tokens_[byte]; }

std::uint8_t Vocabulary::byte_of(Token token) const { return parse_byte(text(token)).value_or(0); }

bool Vocabulary::ends_text(Token token) const { return std::binary_search(ends_.begin(), ends_.end(), token); }

}  // namespace covey
