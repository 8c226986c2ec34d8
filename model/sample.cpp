#include "model/sample.hpp"

namespace covey {

Event Sample::append(const Sampled& drawn, const Tokenizer& tokenizer, std::int32_t n_ctx) {
  const Token token = drawn.chosen.token;
  Event event{id, index, token, {}, drawn.chosen.logprob, &drawn.top, Finish::running};
  if (tokenizer.ends_text(token) && !request->ignore_eos) {
    event.finish = Finish::end_token;
  } else {
    sampler.accept(token);
    tokens.push_back(token);
    completion.tokens.push_back(token);
    completion.logprobs.push_back(event.logprob);
    event.text = stream.push(token);
    if (stream.stopped()) {
      event.finish = Finish::stop_string;
    } else if (sampler.finished()) {
      event.finish = Finish::end_token;
    } else if (static_cast<std::int32_t>(completion.tokens.size()) == request->max_tokens) {
      event.finish = Finish::max_tokens;
    } else if (length() >= n_ctx) {
      event.finish = Finish::context_full;
    }
  }
  if (event.finish != Finish::running) event.text += stream.finish();
  completion.text += event.text;
  return event;
}

}  // namespace covey
