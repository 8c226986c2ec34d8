// Continuous batching: many samples of many requests share forward passes.
//
// A step evaluates one piece of one waiting prompt, or one token of every running sample. Prompts are cut at fixed
// places (every max_tokens from where the reused prefix ends, and at the cuts that a request asks for), so what a
// sample draws does not depend on its company. When the cache is full the youngest sample is preempted: its blocks are
// freed and it is evaluated again later.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "covey/covey.hpp"
#include "model/batch.hpp"
#include "model/runner.hpp"
#include "model/sampler.hpp"
#include "model/tokenizer.hpp"

namespace covey {

using SampleId = std::int64_t;

/// A prompt that the context does not hold: another one may fit.
class ContextFull : public Error {
 public:
  using Error::Error;
};

struct Request {
  std::vector<Token> prompt;  ///< at least one token, fewer than n_ctx
  SamplingParams sampling;
  std::int32_t max_tokens = -1;   ///< most tokens to generate; -1: up to the context
  std::vector<std::string> stop;  ///< generation ends before the first of these
  bool ignore_eos = false;
  std::int32_t samples = 1;  ///< independent continuations; the prompt is evaluated once
  std::uint64_t first_sample =
      0;  ///< index of the first of them: sample i draws with sample_seed(seed, first_sample + i)
  std::int32_t top_logprobs = 0;
  /// Places in the prompt, ascending, where pieces end, and what is taken from the cache too: so the prompt is
  /// evaluated in the same pieces whatever the cache holds, and gives the same bits. Empty: as much as is found is
  /// taken.
  std::vector<std::int32_t> cuts;
};

/// One generated token, as it happens.
struct Event {
  SampleId sample = 0;
  std::int32_t index = 0;  ///< of the sample within its request
  Token token = -1;        ///< -1: no token, only held-back text or the end
  std::string text;        ///< what became printable; never half a character, never part of a stop string
  float logprob = 0.0F;
  const std::vector<TokenLogprob>* top = nullptr;
  Finish finish = Finish::running;
};

/// What a sample has come to.
struct Completion {
  std::vector<Token> tokens;
  std::vector<float> logprobs;
  std::string text;
  Finish finish = Finish::running;
  std::int32_t prompt_tokens = 0;
  std::int32_t reused_tokens = 0;  ///< prompt tokens found in the cache
};

struct EngineOptions {
  std::int32_t max_running = 64;  ///< samples decoded together
  std::int32_t prefix_cache = 8;  ///< finished samples whose cache is kept, least recently used go first; 0: none
};

class Engine {
 public:
  using Sink = std::function<void(const Event&)>;

  /// Both must outlive the engine.
  Engine(Runner& runner, const Tokenizer& tokenizer, EngineOptions options = {});
  ~Engine();

  /// Queues a request; its samples' ids in order. Throws ContextFull on a prompt over the context or one that never
  /// fits the cache, Error on an empty one, token ids outside the vocabulary, or bad sampling parameters, grammars and
  /// schemas included.
  std::vector<SampleId> submit(const Request& request);
  /// A new sample that continues from where `sample` stands now, drawing with another seed. Throws Error unless
  /// `sample` is running.
  SampleId fork(SampleId sample, std::uint64_t seed);
  /// Ends a sample at once; does nothing if it has ended.
  void cancel(SampleId sample);

  /// Does one forward pass and tells `sink` what came of it. False when there is nothing left to do.
  bool step(const Sink& sink);
  /// Steps until all is done.
  void run(const Sink& sink = {});

  const Completion& completion(SampleId sample) const;
  /// Gives up all kept prefixes, so that only running samples hold cache.
  void drop_prefixes();
  /// Forgets an ended sample's completion.
  void forget(SampleId sample);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace covey
