#include "mpi/request_run.hpp"

namespace covey {

Request continuation(const GenerateOptions& options, const Tokenizer& tokenizer) {
  EncodeOptions encode;
  if (!options.bos) encode.bos = false;
  encode.special = options.special;
  Request request;
  request.prompt = tokenizer.encode(options.prompt, encode);
  request.sampling = options.sampling;
  request.max_tokens = options.max_tokens;
  request.stop = options.stop;
  request.ignore_eos = options.ignore_eos;
  return request;
}

RequestRun::RequestRun(Engine& engine, Ledger& ledger, const Request& request, const std::string& role)
    : engine_(engine),
      ledger_(ledger),
      samples_(engine.submit(request)),
      first_stream_(ledger.report().streams.size()) {
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    StreamTimes& stream = ledger_.stream(first_stream_ + i);
    stream.start = ledger_.since_start();
    stream.role = role;
  }
}

std::vector<Completion> RequestRun::finish(const TextSink& sink, const std::function<void()>& after_pass) {
  const auto on_event = [&](const Event& event) {
    enter(event);
    if (sink && !event.text.empty()) sink(event.text);
  };
  while (engine_.step(on_event)) {
    if (after_pass) after_pass();
  }
  std::vector<Completion> completions;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    completions.push_back(engine_.completion(samples_[i]));
    engine_.forget(samples_[i]);
    StreamTimes& stream = ledger_.stream(first_stream_ + i);
    stream.prompt_tokens = completions.back().prompt_tokens;
    stream.reused_tokens = completions.back().reused_tokens;
  }
  return completions;
}

void RequestRun::enter(const Event& event) {
  if (event.token < 0 || event.finish == Finish::end_token) return;  // not part of the text
  StreamTimes& stream = ledger_.stream(first_stream_ + static_cast<std::size_t>(event.index));
  stream.tokens.push_back(ledger_.since_start());
  stream.first_token = stream.tokens.front();
}

}  // namespace covey
