// One text being generated: its tokens, its place in the cache, its sampler.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/engine.hpp"
#include "model/text_stream.hpp"

namespace covey {

/// waiting: nothing cached; following: waits for its leader's prompt; prefilling: part of its tokens cached; running:
/// all but the last token cached.
enum class SampleState : std::uint8_t { waiting, following, prefilling, running, ended };

/// A token's logits as a pass gives them: one for each token of the vocabulary, or a shortlist.
struct LogitRow {
  std::span<const float> values;
  bool is_shortlist = false;
};

struct Sample {
  Sample(std::shared_ptr<const Request> request_in, SampleId id_in, std::int32_t index_in, std::int32_t n_vocab,
         const Tokenizer& tokenizer, const std::optional<grammar::Constraint>& constraint)
      : request(std::move(request_in)),
        id(id_in),
        index(index_in),
        tokens(request->prompt),
        sampler(request->sampling, n_vocab),
        stream(tokenizer, request->stop) {
    sampler.reseed(sample_seed(request->sampling.seed, request->first_sample + static_cast<std::uint64_t>(index)));
    for (const Token token : tokens) sampler.accept(token);
    if (constraint) sampler.constrain(*constraint);
    completion.prompt_tokens = prompt_tokens();
  }

  /// How long a shortlist its next draw takes; 0: all logits.
  std::int32_t shortlist() const { return sampler.shortlist(request->top_logprobs); }
  Sampled sample(const LogitRow& logits) {
    const std::int32_t top = request->top_logprobs;
    return logits.is_shortlist ? sampler.sample(Shortlist(logits.values), top) : sampler.sample(logits.values, top);
  }
  /// Appends what was drawn, if the text goes on with it, and says whether it ends.
  Event append(const Sampled& drawn, const Tokenizer& tokenizer, std::int32_t n_ctx);

  std::int32_t prompt_tokens() const { return static_cast<std::int32_t>(request->prompt.size()); }
  std::int32_t length() const { return static_cast<std::int32_t>(tokens.size()); }
  /// Whether nothing has been drawn yet: the logits of the last prompt token are still to be computed.
  bool fresh() const { return length() == prompt_tokens(); }
  /// How many tokens the cache must hold before decoding: a fresh sample's last piece gives its first logits, otherwise
  /// the last token is evaluated by the decoding step.
  std::int32_t prefill_length() const { return fresh() ? length() : length() - 1; }

  /// How much of what the cache holds, `found` tokens, may be taken from it.
  std::int32_t cut_before(std::int32_t found) const {
    if (request->cuts.empty()) return found;
    const auto next = std::ranges::upper_bound(request->cuts, found);
    return next == request->cuts.begin() ? 0 : std::max(0, *std::prev(next));
  }
  /// Where a piece of the prompt that begins at `begin` has to end.
  std::int32_t cut_after(std::int32_t begin) const {
    const auto next = std::ranges::upper_bound(request->cuts, begin);
    return next == request->cuts.end() ? prompt_tokens() : std::min(*next, prompt_tokens());
  }

  std::shared_ptr<const Request> request;
  SampleId id;
  std::int32_t index;
  SampleState state = SampleState::waiting;
  SequenceId sequence = -1;
  bool in_flight = false;     ///< a pass with its last token is under way
  std::int32_t cached = 0;    ///< leading tokens whose keys and values are in the cache
  std::vector<Token> tokens;  ///< prompt, then what was drawn
  std::vector<SampleId> followers;
  Sampler sampler;
  TextStream stream;
  Completion completion;
};

}  // namespace covey
