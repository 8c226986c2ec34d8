#include "model/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "covey/error.hpp"
#include "model/candidates.hpp"
#include "model/random.hpp"

namespace covey {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

[[noreturn]] void out_of_range(const std::string& name, const std::string& value, const std::string& allowed) {
  throw Error("sampling: " + name + " is " + value + "; allowed: " + allowed);
}

void check(bool good, const char* name, float value, const char* allowed) {
  if (!good) out_of_range(name, std::to_string(value), allowed);
}

void check(bool good, const char* name, std::int32_t value, const char* allowed) {
  if (!good) out_of_range(name, std::to_string(value), allowed);
}

// Comparisons are written so that NaN fails them.
void validate(const SamplingParams& params, std::int32_t n_vocab) {
  check(std::isfinite(params.temperature), "temperature", params.temperature, "any finite number (0 or less: greedy)");
  check(params.top_k >= 0, "top_k", params.top_k, "0 (all) or more");
  check(params.top_p > 0.0F && params.top_p <= 1.0F, "top_p", params.top_p, "above 0, up to 1 (all)");
  check(params.min_p >= 0.0F && params.min_p <= 1.0F, "min_p", params.min_p, "0 (all) to 1");
  check(params.repetition_penalty > 0.0F && std::isfinite(params.repetition_penalty), "repetition_penalty",
        params.repetition_penalty, "any finite number above 0 (1: off)");
  check(std::isfinite(params.presence_penalty), "presence_penalty", params.presence_penalty, "any finite number");
  check(std::isfinite(params.frequency_penalty), "frequency_penalty", params.frequency_penalty, "any finite number");
  check(params.penalty_window >= -1, "penalty_window", params.penalty_window, "-1 (all) or more");
  for (const auto& [token, bias] : params.logit_bias) {
    if (token < 0 || token >= n_vocab) {
      out_of_range("a token of logit_bias", std::to_string(token), "0 to " + std::to_string(n_vocab - 1));
    }
    if (!(bias < std::numeric_limits<float>::infinity())) {
      out_of_range("logit_bias of token " + std::to_string(token), std::to_string(bias),
                   "any finite number, or minus infinity (never)");
    }
  }
}

/// What a call works on; one for each thread, so that the many samplers of an engine don't hold a vocabulary's worth
/// each.
struct Scratch {
  std::vector<float> scores;  // (n_vocab)
  Candidates candidates;
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

[[noreturn]] void none_is_possible() {
  throw Error("sampling: no token is possible: every logit is NaN or minus infinity");
}

/// Log-probabilities under the model itself.
class Logprobs {
 public:
  /// Of the sum over all tokens of exp(logit - largest).
  Logprobs(float largest, float sum) : total_(largest + std::log(static_cast<double>(sum))) {}
  float operator()(float logit) const { return static_cast<float>(logit - total_); }

  std::vector<TokenLogprob> of_likeliest(Candidates& candidates, std::int32_t count) const {
    std::vector<TokenLogprob> list;
    candidates.keep_likeliest(static_cast<std::size_t>(count));
    for (const Candidate& candidate : candidates.all()) list.push_back({candidate.token, (*this)(candidate.score)});
    return list;
  }

 private:
  double total_;
};

}  // namespace

Sampler::Sampler(SamplingParams params, std::int32_t n_vocab)
    : params_(std::move(params)), n_vocab_(n_vocab), random_state_(params_.seed) {
  if (n_vocab < 1) throw Error("sampling: the vocabulary is empty");
  validate(params_, n_vocab);
  constrained_ = params_.constrained();
  params_.grammar.clear();  // long, and copied with every sampler
  params_.json_schema.clear();
  penalizes_ = params_.penalty_window != 0 && (params_.repetition_penalty != 1.0F || params_.presence_penalty != 0.0F ||
                                               params_.frequency_penalty != 0.0F);
}

void Sampler::reseed(std::uint64_t seed) { random_state_ = seed; }

void Sampler::accept(Token token) {
  if (token < 0 || token >= n_vocab_)
    out_of_range("a token", std::to_string(token), "0 to " + std::to_string(n_vocab_ - 1));
  if (constraint_) constraint_->accept(token);
  if (!penalizes_) return;
  ++recent_count_[token];
  if (params_.penalty_window < 0) return;
  if (recent_.size() < static_cast<std::size_t>(params_.penalty_window)) {
    recent_.push_back(token);
    return;
  }
  const auto leaving = recent_count_.find(std::exchange(recent_[oldest_], token));
  if (--leaving->second == 0) recent_count_.erase(leaving);
  oldest_ = (oldest_ + 1) % recent_.size();
}

Sampled Sampler::sample(std::span<const float> logits, std::int32_t top) {
  if (logits.size() != static_cast<std::size_t>(n_vocab_)) {
    throw Error("sampling: " + std::to_string(logits.size()) + " logits for a vocabulary of " +
                std::to_string(n_vocab_));
  }
  if (constrained_ && !constraint_) throw Error("sampling: a grammar or JSON schema is given, but not put to use");
  check(top >= 0, "the number of top log-probabilities", top, "0 or more");

  std::vector<float>& scores = scratch().scores;
  scores.resize(logits.size());
  std::transform(logits.begin(), logits.end(), scores.begin(), [](float logit) { return usable_logit(logit); });
  const float largest = *std::max_element(scores.begin(), scores.end());
  if (largest == kMinusInfinity) none_is_possible();
  const Logprobs logprob(largest, exponential_sum(scores, largest));

  Sampled sampled;
  if (top > 0) {
    Candidates& candidates = scratch().candidates;
    candidates.assign(scores);
    sampled.top = logprob.of_likeliest(candidates, top);
  }
  if (constraint_) constraint_->apply(scores);
  adjust(scores);
  sampled.chosen.token = draw(scores);
  sampled.chosen.logprob = logprob(usable_logit(logits[static_cast<std::size_t>(sampled.chosen.token)]));
  return sampled;
}

std::int32_t Sampler::shortlist(std::int32_t top) const {
  const bool any_counts = constrained_ || constraint_ || penalizes_ || !params_.logit_bias.empty();
  const bool no_end = !params_.greedy() && params_.top_k == 0;
  if (any_counts || no_end || n_vocab_ > kMostShortlistedFrom) return 0;
  const std::int32_t wanted = std::min(std::max(params_.greedy() ? 1 : params_.top_k, top), n_vocab_);
  return wanted <= kMostShortlisted ? wanted : 0;
}

Sampled Sampler::sample(const Shortlist& likeliest, std::int32_t top) {
  check(top >= 0, "the number of top log-probabilities", top, "0 or more");
  const std::int32_t needed = shortlist(top);
  if (needed == 0 || likeliest.size() < static_cast<std::size_t>(needed)) {
    throw Error("sampling: a shortlist of " + std::to_string(likeliest.size()) + " tokens is not enough here");
  }
  if (likeliest.largest() == kMinusInfinity) none_is_possible();
  const Logprobs logprob(likeliest.largest(), likeliest.sum());

  Sampled sampled;
  Candidates& candidates = scratch().candidates;
  candidates.assign(likeliest);
  if (top > 0) {
    sampled.top = logprob.of_likeliest(candidates, top);
    candidates.assign(likeliest);
  }
  sampled.chosen.token = params_.greedy() ? likeliest.token(0) : choose(candidates, likeliest.largest());
  std::size_t place = 0;
  while (likeliest.token(place) != sampled.chosen.token) ++place;
  sampled.chosen.logprob = logprob(likeliest.logit(place));
  return sampled;
}

/// Logit bias, then penalties. (n_vocab)
void Sampler::adjust(std::span<float> scores) const {
  for (const auto& [token, bias] : params_.logit_bias) {
    float& score = scores[static_cast<std::size_t>(token)];
    score = usable_logit(static_cast<double>(score) + bias);
  }
  for (const auto& [token, count] : recent_count_) {
    float& stored = scores[static_cast<std::size_t>(token)];
    double score = stored;
    score = score > 0 ? score / params_.repetition_penalty : score * params_.repetition_penalty;
    score -= static_cast<double>(params_.presence_penalty) + static_cast<double>(params_.frequency_penalty) * count;
    stored = usable_logit(score);
  }
}

/// The rest of the chain.
Token Sampler::draw(std::span<const float> scores) {
  const auto best = std::max_element(scores.begin(), scores.end());  // the first of equals
  if (*best == kMinusInfinity)
    throw Error(constraint_
                    ? "sampling: no token is possible: none that the model and logit_bias allow continues the grammar"
                    : "sampling: no token is possible: logit_bias rules out all that the model allows");
  if (params_.greedy()) return static_cast<Token>(best - scores.begin());
  Candidates& candidates = scratch().candidates;
  candidates.assign(scores);
  return choose(candidates, *best);
}

/// Top-k, temperature, top-p, min-p, draw.
Token Sampler::choose(Candidates& candidates, float largest) {
  if (params_.top_k > 0) candidates.keep_likeliest(static_cast<std::size_t>(params_.top_k));
  candidates.weigh(params_.temperature, largest);
  if (params_.top_p < 1.0F) candidates.keep_probability(params_.top_p);
  if (params_.min_p > 0.0F) candidates.keep_weight(params_.min_p);
  return candidates.draw(next_uniform(random_state_));
}

std::uint64_t sample_seed(std::uint64_t seed, std::uint64_t index) {
  return mix_bits(mix_bits(seed + kSplitmixStep) ^ (index * kSplitmixStep + 1));
}

}  // namespace covey
