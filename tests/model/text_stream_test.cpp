#include "model/text_stream.hpp"

#include <gtest/gtest.h>

namespace covey {
namespace {

const Tokenizer& stream_tokenizer() {
  static const GgufFile file = GgufFile::open(COVEY_TEST_DATA "/llama.gguf");
  static const auto instance = Tokenizer::from_gguf(file);
  return *instance;
}

/// Pushes the bytes of `text` one token each.
std::string stream(const std::string& text, std::vector<std::string> stop, std::string* shown_before_end = nullptr) {
  TextStream out(stream_tokenizer(), std::move(stop));
  std::string shown;
  for (const char c : text) shown += out.push(3 + static_cast<unsigned char>(c));
  if (shown_before_end != nullptr) *shown_before_end = shown;
  if (!out.stopped()) shown += out.finish();
  return shown;
}

TEST(TextStream, StopStringsNeverShow) {
  EXPECT_EQ(stream("hello world", {"lo w"}), "hel");
  EXPECT_EQ(stream("hello world", {"world!", "o"}), "hell");
  EXPECT_EQ(stream("aaab", {"aab"}), "a");
  EXPECT_EQ(stream("abc", {""}), "abc");
}

TEST(TextStream, HoldsBackWhatCouldBecomeAStopString) {
  std::string before;
  EXPECT_EQ(stream("stop: ENDI", {"ENDING"}, &before), "stop: ENDI");
  EXPECT_EQ(before, "stop: ");
}

TEST(TextStream, NeverHalfACharacter) {
  TextStream out(stream_tokenizer(), {});
  EXPECT_EQ(out.push(3 + 0xC3), "");
  EXPECT_EQ(out.push(3 + 0xA9), "\xC3\xA9");
}

}  // namespace
}  // namespace covey
