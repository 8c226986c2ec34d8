#include "model/tokenizer.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

std::string error_of(const GgufFile& file) {
  try {
    Tokenizer::from_gguf(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(Tokenizer, other_kinds_are_named_in_the_error) {
  MadeVocabulary made;
  made.model = "bert";
  const std::string error = error_of(made.gguf(set_usual_ids));
  for (const char* part : {"made.gguf", "bert", "supported: \"llama\" (SentencePiece), \"gpt2\" (byte-level BPE)"}) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
}

TEST(Tokenizer, a_file_without_vocabulary_is_named) {
  const std::string error = error_of(MadeGguf().parse());
  EXPECT_NE(error.find("made.gguf: tokenizer.ggml.model is missing"), std::string::npos) << error;
}

}  // namespace
}  // namespace covey
