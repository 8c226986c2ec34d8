// The rule behind random models, the same in every language: weights and vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

/// The weights of one tensor. All arithmetic on floats is in single precision, each operation rounded:
///   state  = fnv1a64(name) + (seed + i + 1) * 0x9E3779B97F4A7C15          (mod 2^64)
///   z      = the finalizer of splitmix64 on state
///   r      = float(z >> 40) * 2^-23 - 1                                   in [-1, 1), exact
///   weight = offset + scale * r
class RandomWeights {
 public:
  RandomWeights(std::uint64_t seed, std::string_view name, float offset, float scale);

  /// Weights first .. first + out.size().
  void fill(std::uint64_t first, std::span<float> out) const noexcept;

 private:
  std::uint64_t state_;
  float offset_;
  float scale_;
};

/// A vocabulary of the SentencePiece kind: <unk>, <s>, </s>, 256 byte tokens, characters, then made-up pieces.
struct RandomVocabulary {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<std::int32_t> types;  ///< numbers of tokenizer.ggml.token_type
};
RandomVocabulary random_vocabulary(std::size_t size);

/// Factors that rope frequencies are divided by: 1 rising to 8 for the low ones.
std::vector<float> random_model_rope_factors(std::size_t count);

}  // namespace covey
