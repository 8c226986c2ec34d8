#include "mpi/request_run.hpp"

#include <iterator>
#include <string_view>
#include <utility>

namespace covey {

Request continuation(const GenerateOptions& options, const Tokenizer& tokenizer) {
  EncodeOptions encode;
  if (!options.bos) encode.bos = false;
  encode.special = options.special;
  Request request;
  std::string_view text = options.prompt;
  if (!options.known.text.empty() && text.starts_with(options.known.text)) {
    text.remove_prefix(options.known.text.size());
    request.prompt = options.known.tokens;
    encode.bos = false;
    encode.continues = true;
  }
  const std::vector<Token> rest = tokenizer.encode(text, encode);
  request.prompt.insert(request.prompt.end(), rest.begin(), rest.end());
  request.sampling = options.sampling;
  request.max_tokens = options.max_tokens;
  request.stop = options.stop;
  request.ignore_eos = options.ignore_eos;
  request.samples = options.sequences;
  return request;
}

Answer answer_of(std::vector<Completion> completions) {
  Answer answer{std::move(completions.front()), {}, {}};
  answer.others.assign(std::make_move_iterator(completions.begin() + 1), std::make_move_iterator(completions.end()));
  return answer;
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
  std::string text;
  const auto on_event = [&](const Event& event) {
    enter(event);
    if (event.index == 0) text += event.text;
  };
  try {
    for (bool more = true; more;) {
      text.clear();
      more = engine_.step(on_event);
      if (sink) sink(text);
      if (more && after_pass) after_pass();
    }
  } catch (const StopAnswer&) {
    for (const SampleId sample : samples_) engine_.cancel(sample);
  } catch (...) {
    for (const SampleId sample : samples_) {
      engine_.cancel(sample);
      engine_.forget(sample);
    }
    throw;
  }
  return completions();
}

std::vector<Completion> RequestRun::completions() {
  std::vector<Completion> all;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    all.push_back(engine_.completion(samples_[i]));
    engine_.forget(samples_[i]);
    StreamTimes& stream = ledger_.stream(first_stream_ + i);
    stream.prompt_tokens = all.back().prompt_tokens;
    stream.reused_tokens = all.back().reused_tokens;
  }
  return all;
}

void RequestRun::enter(const Event& event) {
  if (event.token < 0 || event.finish == Finish::end_token) return;  // not part of the text
  StreamTimes& stream = ledger_.stream(first_stream_ + static_cast<std::size_t>(event.index));
  stream.tokens.push_back(ledger_.since_start());
  stream.first_token = stream.tokens.front();
}

}  // namespace covey
