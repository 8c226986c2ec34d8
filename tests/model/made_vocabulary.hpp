// Vocabularies made for tests, as GGUF files in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Writes a GGUF header without tensors.
class MadeGguf {
 public:
  void set(std::string_view key, std::string_view value) { begin(key, GgufValueType::string), put_string(value); }
  void set(std::string_view key, std::uint32_t value) { begin(key, GgufValueType::u32), put(value); }
  void set(std::string_view key, bool value) {
    begin(key, GgufValueType::boolean), put(static_cast<std::uint8_t>(value));
  }
  void set(std::string_view key, std::span<const std::string> values) {
    begin_array(key, GgufValueType::string, values.size());
    for (const std::string& value : values) put_string(value);
  }
  void set(std::string_view key, std::span<const float> values) {
    begin_array(key, GgufValueType::f32, values.size());
    for (const float value : values) put(value);
  }
  void set(std::string_view key, std::span<const std::int32_t> values) {
    begin_array(key, GgufValueType::i32, values.size());
    for (const std::int32_t value : values) put(value);
  }

  GgufFile parse() const {
    std::string bytes = "GGUF";
    append(bytes, std::uint32_t{3});
    append(bytes, std::uint64_t{0});
    append(bytes, keys_);
    bytes += body_;
    bytes.resize((bytes.size() + 31) / 32 * 32);
    return GgufFile::parse(std::as_bytes(std::span<const char>(bytes)), "made.gguf");  // metadata is copied
  }

 private:
  template <class T>
  static void append(std::string& to, T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    to.append(raw, sizeof value);
  }
  template <class T>
  void put(T value) {
    append(body_, value);
  }
  void put_string(std::string_view value) {
    put(static_cast<std::uint64_t>(value.size()));
    body_ += value;
  }
  void begin(std::string_view key, GgufValueType type) {
    ++keys_;
    put_string(key);
    put(type);
  }
  void begin_array(std::string_view key, GgufValueType type, std::size_t count) {
    begin(key, GgufValueType::array);
    put(type);
    put(static_cast<std::uint64_t>(count));
  }

  std::string body_;
  std::uint64_t keys_ = 0;
};

/// A vocabulary to be changed before it is written: tokens 0 to 2 are <unk>, <s> and </s>, then come the 256 byte
/// tokens.
struct MadeVocabulary {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  std::string model = "llama";

  explicit MadeVocabulary(bool with_bytes = true) {
    add("<unk>", 0, TokenKind::unknown);
    add("<s>", 0, TokenKind::control);
    add("</s>", 0, TokenKind::control);
    for (int byte = 0; with_bytes && byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
      add(text, 0, TokenKind::byte);
    }
  }

  Token add(std::string_view text, float score, TokenKind kind = TokenKind::normal) {
    texts.emplace_back(text);
    scores.push_back(score);
    types.push_back(static_cast<std::int32_t>(kind));
    return static_cast<Token>(texts.size() - 1);
  }

  /// `more` may set further keys.
  GgufFile gguf(const std::function<void(MadeGguf&)>& more = {}) const {
    MadeGguf gguf;
    gguf.set("tokenizer.ggml.model", model);
    gguf.set("tokenizer.ggml.tokens", texts);
    gguf.set("tokenizer.ggml.scores", scores);
    gguf.set("tokenizer.ggml.token_type", types);
    if (more) more(gguf);
    return gguf.parse();
  }
};

/// The usual ids of MadeVocabulary's first tokens.
inline void set_usual_ids(MadeGguf& gguf) {
  gguf.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  gguf.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  gguf.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
}

}  // namespace covey
