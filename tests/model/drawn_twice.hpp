// Texts drawn from shortlists, and the same ones drawn from all logits, which a bias of nothing asks for.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "model/engine.hpp"

namespace covey {

struct DrawnText {
  Completion completion;
  std::vector<TokenLogprob> top;  // of all its tokens
};

inline std::vector<Request> requests_for_shortlists() {
  std::vector<Request> requests(4);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].prompt.assign(3 + 2 * i, static_cast<Token>(260 + i));
    requests[i].max_tokens = 6;
    requests[i].ignore_eos = true;
    requests[i].sampling.seed = i;
    requests[i].sampling.temperature = i == 0 ? 0.0F : 1.5F;
  }
  requests[0].top_logprobs = 3;
  requests[2].samples = 3;
  requests[2].top_logprobs = 7;
  requests[2].sampling.top_k = 5;
  requests[3].sampling.top_k = 64;
  requests[3].sampling.top_p = 1.0F;
  return requests;
}

inline std::vector<Request> with_all_logits(std::vector<Request> requests) {
  for (Request& request : requests) request.sampling.logit_bias[9] = 0.0F;
  return requests;
}

/// All together in one engine.
inline std::vector<DrawnText> drawn_of(Runner& runner, const Tokenizer& tokenizer,
                                       const std::vector<Request>& requests) {
  Engine engine(runner, tokenizer);
  std::vector<SampleId> ids;
  for (const Request& request : requests) {
    for (const SampleId id : engine.submit(request)) ids.push_back(id);
  }
  std::map<SampleId, DrawnText> texts;
  engine.run([&](const Event& event) {
    if (event.top == nullptr) return;
    auto& top = texts[event.sample].top;
    top.insert(top.end(), event.top->begin(), event.top->end());
  });
  std::vector<DrawnText> in_order;
  for (const SampleId id : ids) {
    texts[id].completion = engine.completion(id);
    in_order.push_back(texts[id]);
  }
  engine.drop_prefixes();
  return in_order;
}

/// The same tokens, with log-probabilities that differ by no more than `tolerance`.
inline void expect_the_same(const std::vector<DrawnText>& one, const std::vector<DrawnText>& other, float tolerance) {
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    SCOPED_TRACE("text " + std::to_string(i));
    ASSERT_EQ(one[i].completion.tokens, other[i].completion.tokens);
    for (std::size_t t = 0; t < one[i].completion.tokens.size(); ++t) {
      EXPECT_NEAR(one[i].completion.logprobs[t], other[i].completion.logprobs[t], tolerance);
    }
    ASSERT_EQ(one[i].top.size(), other[i].top.size());
    for (std::size_t t = 0; t < one[i].top.size(); ++t) {
      EXPECT_EQ(one[i].top[t].token, other[i].top[t].token);
      EXPECT_NEAR(one[i].top[t].logprob, other[i].top[t].logprob, tolerance);
    }
  }
}

inline void expect_shortlists_change_nothing(Runner& runner, const Tokenizer& tokenizer, float tolerance) {
  const std::vector<Request> requests = requests_for_shortlists();
  expect_the_same(drawn_of(runner, tokenizer, requests), drawn_of(runner, tokenizer, with_all_logits(requests)),
                  tolerance);
}

}  // namespace covey
