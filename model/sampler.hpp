// The sampler chain: logits in, one token out.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "covey/sampling.hpp"
#include "model/batch.hpp"

namespace covey {

struct TokenLogprob {
  Token token = 0;
  float logprob = 0.0F;  ///< natural logarithm of the probability under the model itself (before any of the chain)
};

struct Sampled {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;  ///< the likeliest tokens under the model, likeliest first
};

/// One sequence's sampler; copyable, so a fork continues from the same state.
class Sampler {
 public:
  /// Throws Error naming the parameter that is out of range (NaN, top_p outside (0, 1], a biased token outside the
  /// vocabulary, …).
  Sampler(SamplingParams params, std::int32_t n_vocab);

  /// Restarts the random numbers from `seed`; the history stays.
  void reseed(std::uint64_t seed);

  /// Adds a token to the history that penalties look at.
  void accept(Token token);

  /// Chooses a token from `logits` (n_vocab). Does not accept it. `top` asks for that many of the likeliest. Logits
  /// that are NaN count as minus infinity; throws Error if none is left.
  Sampled sample(std::span<const float> logits, std::int32_t top = 0);

 private:
  void penalize();

  SamplingParams params_;
  std::int32_t n_vocab_;
  std::uint64_t random_state_ = 0;
  std::deque<Token> recent_;
  std::vector<std::int32_t> recent_count_;  // (n_vocab) occurrences in recent_
  std::vector<float> scores_;               // (n_vocab) working copy of the logits
  std::vector<TokenLogprob> candidates_;
};

/// The seed of the `index`-th of several samples: well mixed, and the same wherever the sample is computed.
std::uint64_t sample_seed(std::uint64_t seed, std::uint64_t index);

}  // namespace covey
