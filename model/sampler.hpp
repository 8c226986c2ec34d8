// The sampler chain: logits in, one token out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "covey/sampling.hpp"
#include "kernels/shortlist.hpp"
#include "model/batch.hpp"
#include "model/grammar/constraint.hpp"

namespace covey {

class Candidates;

struct TokenLogprob {
  Token token = 0;
  float logprob = 0.0F;  ///< natural logarithm of the probability under the model itself (before any of the chain)
};

struct Sampled {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;  ///< the likeliest tokens under the model, likeliest first
};

/// One sequence's sampler; copyable, so a fork continues from the same state. Small: what a call works on is shared by
/// all samplers of a thread.
class Sampler {
 public:
  /// Throws Error naming the parameter that is out of range (NaN, top_p outside (0, 1], a biased token outside the
  /// vocabulary, …).
  Sampler(SamplingParams params, std::int32_t n_vocab);

  /// Restarts the random numbers from `seed`; the history stays.
  void reseed(std::uint64_t seed);

  /// From here on the text is a new one, which `constraint` holds for. What params.grammar and params.json_schema ask
  /// for takes effect by this call alone; sample() throws Error where they ask for something and it is missing.
  void constrain(grammar::Constraint constraint) { constraint_ = std::move(constraint); }
  /// Whether the constraint allows nothing more.
  bool finished() const { return constraint_ && constraint_->finished(); }

  /// Adds a token to the history that penalties look at, and to the constrained text. Throws Error if the constraint
  /// does not allow it.
  void accept(Token token);

  /// Chooses a token from `logits` (n_vocab). Does not accept it. `top` asks for that many of the likeliest (fewer come
  /// back where fewer are possible). Logits that are NaN count as minus infinity; throws Error if none is left.
  Sampled sample(std::span<const float> logits, std::int32_t top = 0);

  /// How long a shortlist has to be for sample(Shortlist, top) to choose the same token; 0 if it takes all logits:
  /// without top-k, and where penalties, biases or a constraint may favour any token.
  std::int32_t shortlist(std::int32_t top) const;
  /// The same from a shortlist of at least that many. The first on it is the likeliest.
  Sampled sample(const Shortlist& likeliest, std::int32_t top = 0);

 private:
  void adjust(std::span<float> scores) const;
  Token draw(std::span<const float> scores);
  Token choose(Candidates& candidates, float largest);

  SamplingParams params_;
  std::int32_t n_vocab_;
  std::uint64_t random_state_;
  bool penalizes_;
  bool constrained_;  // or is to be
  std::optional<grammar::Constraint> constraint_;
  std::vector<Token> recent_;  // ring of at most penalty_window tokens; empty where the window has no end
  std::size_t oldest_ = 0;     // in recent_, once it is full
  std::unordered_map<Token, std::int32_t> recent_count_;
};

/// The seed of the `index`-th of several samples: well mixed, and the same wherever the sample is computed.
std::uint64_t sample_seed(std::uint64_t seed, std::uint64_t index);

}  // namespace covey
