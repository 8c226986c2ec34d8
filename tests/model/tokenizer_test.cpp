#include "model/tokenizer.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"
#include "tests/error_of.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

TEST(Tokenizer, other_kinds_are_named_in_the_error) {
  MadeVocabulary made;
  made.model = "bert";
  const std::string error = error_of([&] { Tokenizer::from_gguf(made.gguf(set_usual_ids)); });
  for (const char* part : {"made.gguf", "bert", "supported: \"llama\" (SentencePiece), \"gpt2\" (byte-level BPE)"}) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
}

TEST(Tokenizer, a_file_without_vocabulary_is_named) {
  const std::string error = error_of([] { Tokenizer::from_gguf(MadeGguf().parse()); });
  EXPECT_NE(error.find("made.gguf: tokenizer.ggml.model is missing"), std::string::npos) << error;
}

}  // namespace
}  // namespace covey
