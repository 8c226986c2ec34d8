// How the next token is chosen from the logits.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace covey {

/// The chain runs in this order: grammar or JSON schema, logit bias, penalties, temperature, top-k, top-p, min-p, draw.
/// A filter at its neutral value is skipped.
struct SamplingParams {
  float temperature = 0.8F;                  ///< <= 0: greedy (the largest logit, the lowest id among equals)
  std::int32_t top_k = 40;                   ///< keep the k likeliest; 0: all
  float top_p = 0.95F;                       ///< keep the likeliest tokens that together reach this probability; 1: all
  float min_p = 0.05F;                       ///< keep tokens at least this fraction as likely as the likeliest; 0: all
  float repetition_penalty = 1.0F;           ///< divides positive, multiplies negative logits of recent tokens; 1: off
  float presence_penalty = 0.0F;             ///< subtracted once from the logit of a recent token
  float frequency_penalty = 0.0F;            ///< subtracted once per occurrence among recent tokens
  std::int32_t penalty_window = 64;          ///< how many recent tokens (prompt included) penalties look at; -1: all
  std::map<std::int32_t, float> logit_bias;  ///< token id -> added to its logit
  std::uint64_t seed = 0;                    ///< equal seeds draw equal tokens from equal logits, on every machine

  /// What the generated text (the prompt is no part of it) has to be: a grammar in GBNF, whose rule "root" is the whole
  /// text, or a JSON schema; at most one of them. Empty: anything. Tokens that lead out of it are not possible; the
  /// text ends where the grammar does, at max_tokens also before. docs/grammar.md says what is supported; the rest
  /// throws Error.
  std::string grammar;
  std::string json_schema;

  bool constrained() const { return !grammar.empty() || !json_schema.empty(); }
  bool greedy() const { return temperature <= 0.0F; }
};

}  // namespace covey
