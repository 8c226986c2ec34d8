#include "model/tokenizer.hpp"

#include <array>

#include "covey/error.hpp"
#include "model/bpe_tokenizer.hpp"
#include "model/spm_tokenizer.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

struct TokenizerEntry {
  std::string_view kind;  ///< tokenizer.ggml.model
  std::string_view name;  ///< as the field calls it
  std::unique_ptr<Tokenizer> (*make)(const GgufFile& file);
};

constexpr std::array kTokenizers = {
    TokenizerEntry{SpmTokenizer::kKind, "SentencePiece", &SpmTokenizer::make},
    TokenizerEntry{BpeTokenizer::kKind, "byte-level BPE", &BpeTokenizer::make},
};

std::string supported_kinds() {
  std::string list;
  for (const TokenizerEntry& entry : kTokenizers) {
    if (!list.empty()) list += ", ";
    list.append("\"").append(entry.kind).append("\" (").append(entry.name).append(")");
  }
  return list;
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  const std::string* const kind = file.string("tokenizer.ggml.model");
  if (kind == nullptr) {
    throw Error(file.path() + ": tokenizer.ggml.model is missing: the file holds no vocabulary");
  }
  for (const TokenizerEntry& entry : kTokenizers) {
    if (entry.kind == *kind) return entry.make(file);
  }
  throw Error(file.path() + ": its tokenizer is of kind " + in_quotes(*kind) +
              " (tokenizer.ggml.model), which is not supported; " + "supported: " + supported_kinds());
}

}  // namespace covey
